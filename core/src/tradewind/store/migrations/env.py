"""What Alembic runs around the revisions; the connection comes from :mod:`tradewind.store.migrating`."""

from __future__ import annotations

from alembic import context

from tradewind.store import tables_assets  # noqa: F401  # whose tables stand in the same metadata
from tradewind.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # true of SQLite too, where a transaction was begun before
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
