"""Moving a database from one revision of the schema to another, by Alembic. Slow to import: for ``db``
commands alone.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from tradewind.errors import StoreError
from tradewind.store import schema, tables
from tradewind.store.engine import Store

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> str | None:
    """Bring the database to the revision of this version; what was cut short before is made whole.

    :returns: the revision that it had; ``None`` where it had no tables.
    :raises StoreError: where it was made by a newer version.
    """
    with schema.making_tables(store) as connection:
        before = schema.revision_of(connection)
        if before is None:
            schema.create(connection, store)
        elif before not in schema.REVISIONS:
            schema.check_revision(before, store.where)
        elif before != schema.HEAD:
            command.upgrade(_config(connection), "head")
    return before


def downgrade(store: Store, revision: str) -> str | None:
    """Take the database back to an older revision; what newer ones added is lost.

    :param revision: one of :data:`tradewind.store.schema.REVISIONS`, or ``"base"``: no tables at all.
    :returns: the revision that it had.
    :raises StoreError: where there is no such revision, or the database is older.
    """
    known = ("base", *schema.REVISIONS)
    with schema.making_tables(store) as connection:
        before = schema.revision_of(connection)
        if revision not in known or before not in known or known.index(before) < known.index(revision):
            raise StoreError(
                f"The metadata database {store.where} is at revision {before} and cannot be taken back to "
                f"{revision!r}. Revisions are {', '.join(known)}."
            )
        command.downgrade(_config(connection), revision)
    return before


def upgrade_from_nothing(store: Store) -> None:
    """Make all tables by running every revision, as an old database went through them."""
    with schema.making_tables(store) as connection:
        there = set(inspect(connection).get_table_names())
        if there & set(tables.metadata.tables):
            raise StoreError(f"The metadata database {store.where} has tables already.")
        command.upgrade(_config(connection), "head")


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
