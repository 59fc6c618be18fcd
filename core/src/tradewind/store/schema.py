"""Whether the database has the tables of this version, and making them where there are none.

A fresh database is made without Alembic, whose import alone would take longer; a test holds the two ways
together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    inspect,
    select,
    text,
)

from tradewind.errors import StoreError
from tradewind.store import (
    tables,
    tables_assets,
    tables_backfill,
    tables_callbacks,
    tables_human_input,
    tables_waits,
)

if TYPE_CHECKING:
    from tradewind.store.engine import Store

#: Alembic's revisions of the schema, oldest first; each has its file in ``migrations/versions``
REVISIONS = (
    "0001",
    "0003_mapping",
    "0004_clear",
    "0005_waits",
    "0006_backfill",
    "0007_assets",
    "0008_callbacks",
    "0009_health",
)
HEAD = REVISIONS[-1]
#: a module of tables is known to the metadata once it is imported
_ALL = (tables, tables_assets, tables_backfill, tables_callbacks, tables_human_input, tables_waits)
DEFAULT_POOL_SLOTS = 128

#: Alembic's own table, as Alembic makes it
_stamps = MetaData()
_alembic_version = Table(
    "alembic_version",
    _stamps,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def current_revision(store: Store) -> str | None:
    """The revision of the database, or ``None`` where it has no tables (or is only half made)."""
    with store.read() as connection:
        return revision_of(connection)


def check(store: Store) -> None:
    """See that the database is the one that this version of Tradewind works with.

    :raises StoreError: with the command that helps.
    """
    check_revision(current_revision(store), store.where)


def prepare(store: Store) -> None:
    """Make the tables where there are none; else :func:`check`."""
    revision = current_revision(store)
    if revision is None:
        with making_tables(store) as connection:
            revision = revision_of(connection)
            if revision is None:
                create(connection, store)
                revision = HEAD
    check_revision(revision, store.where)


def create(connection: Connection, store: Store) -> None:
    """Make all tables, with what must be in them from the start, and note the revision.

    One transaction on SQLite and PostgreSQL. MySQL commits each table by itself, so the note comes last, and
    tables that are there already are left alone: what was cut short is made whole by the next call.

    :raises StoreError: where tables of somebody else stand in the way.
    """
    if store.dialect != "mysql":
        strange = sorted(set(inspect(connection).get_table_names()) & set(tables.metadata.tables))
        if strange:
            raise StoreError(
                f"The metadata database {store.where} has a table {strange[0]!r} that is not Tradewind's. "
                f"Give Tradewind a database of its own with `database.url`."
            )
    tables.metadata.create_all(connection)
    if connection.execute(select(tables.pool.c.name)).first() is None:
        connection.execute(
            tables.pool.insert(),
            {"name": "default_pool", "slots": DEFAULT_POOL_SLOTS, "description": "Default pool"},
        )
    _stamps.create_all(connection)
    connection.execute(_alembic_version.insert(), {"version_num": HEAD})


def revision_of(connection: Connection) -> str | None:
    """As :func:`current_revision`, on a connection."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_alembic_version.c.version_num)).scalar()


def check_revision(revision: str | None, where: str) -> None:
    """As :func:`check`, for a revision that is known; ``where`` names the database."""
    if revision == HEAD:
        return
    if revision is None:
        raise StoreError(f"The metadata database {where} has no tables. Run `tradewind db migrate`.")
    if revision in REVISIONS:
        raise StoreError(
            f"The metadata database {where} is of an older Tradewind (revision {revision}, wanted {HEAD}). "
            f"Make a backup, then run `tradewind db migrate`."
        )
    raise StoreError(
        f"The metadata database {where} was made by a newer Tradewind (revision {revision}, this one knows "
        f"up to {HEAD}). Install that version, or with it run `tradewind db downgrade --to {HEAD}`."
    )


@contextmanager
def making_tables(store: Store) -> Iterator[Connection]:
    """A transaction in which this process alone makes or changes tables; others that want to wait for their
    turn.
    """
    with store.change_tables() as connection:
        # SQLite's write lock sees to that by itself
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('tradewind schema'))"))
        elif store.dialect == "mysql":
            connection.execute(text("SELECT GET_LOCK(CONCAT('tradewind schema ', DATABASE()), 60)"))
        yield connection
