"""The whole metadata database as one file, and back: from and to any database that Tradewind works with.

A backup is an SQLite database with the same tables. What lies beside the database is not in it: the key that variables and
connections are encrypted with, logs, and values that an XCom backend holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, text

from tradewind.errors import StoreError
from tradewind.store.engine import Store, open_store
from tradewind.store.faults import told_clearly
from tradewind.store.tables import metadata

CHUNK = 1000  # rows that are on their way at once


def back_up(store: Store, target: Path) -> int:
    """Write the database, as it is at one moment, to a new file; Tradewind may go on working meanwhile.

    :returns: how many rows there are in it.
    :raises StoreError: where the file is there already, or cannot be written.
    """
    if target.exists():
        raise StoreError(
            f"There is a file {target} already: give the backup another name, or move that away."
        )
    try:
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    except OSError as error:
        raise StoreError(f"The backup cannot be written to {target.parent}: {error.strerror}.") from None
    try:
        with closing(open_store(fresh / "backup.db", synchronous="FULL")) as copy:
            with _snapshot(store) as source, copy.change_tables() as connection:
                rows = _copy(source, connection)
            with copy.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        os.replace(fresh / "backup.db", target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return rows


def restore(store: Store, source: Path) -> int:
    """Put a backup in place of all that the database holds, in one transaction. Nobody else may work with it.

    :returns: how many rows it has now.
    :raises StoreError: where the file is not there, is no backup, or was made by a newer version.
    """
    from tradewind.store.migrating import migrate

    if not source.is_file():
        raise StoreError(f"There is no backup {source}.")
    with tempfile.TemporaryDirectory(prefix="tradewind-restore-") as folder:
        copy = Path(folder, "backup.db")
        shutil.copyfile(source, copy)  # it may be older, and what was backed up is not to be changed
        with closing(open_store(copy, prepare=False)) as old:
            try:
                found = migrate(old)
            except StoreError as error:
                raise StoreError(f"{source} is no backup that can be used: {error}") from None
            if found is None:
                raise StoreError(f"{source} holds no tables of Tradewind: it is no backup.")
            with _snapshot(old) as connection, store.change_tables() as target:
                return _copy(connection, target)


@contextmanager
def _snapshot(store: Store) -> Iterator[Connection]:
    """One state of the database for as long as it takes to copy it."""
    engine = store.engine
    if store.dialect != "sqlite":  # whose readers see one state anyway
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with told_clearly(store.where), engine.connect() as connection, connection.begin():
        yield connection


def _copy(source: Connection, target: Connection) -> int:
    """Make the target's rows those of the source."""
    total = 0
    for table in reversed(metadata.sorted_tables):
        target.execute(delete(table))
    for table in metadata.sorted_tables:
        found = source.execution_options(stream_results=True).execute(select(table))
        for part in found.mappings().partitions(CHUNK):
            target.execute(table.insert(), [dict(row) for row in part])
            total += len(part)
        if target.dialect.name == "postgresql" and table.autoincrement_column is not None:
            column = table.autoincrement_column
            newest = target.execute(select(func.max(column))).scalar()
            if newest is not None:  # rows that brought their number have not moved the counter
                statement = text("SELECT setval(pg_get_serial_sequence(:table, :column), :newest)")
                target.execute(statement, {"table": table.name, "column": column.name, "newest": newest})
    return total
