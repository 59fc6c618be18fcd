"""SQLite as the metadata database: its settings per connection, and how its transactions begin."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

#: option of a connection whose transactions are going to write
WRITES = "tradewind_writes"
#: option of one whose transactions make tables anew
REBUILDS = "tradewind_rebuilds"
_RETRY_SECONDS = 0.01
_WAL_KEPT = 64 * 1024 * 1024  # bytes of the WAL file that stay after a long transaction


def set_up(engine: Engine, *, synchronous: str, busy_seconds: float) -> None:
    """Prepare every connection that ``engine`` will make.

    A write transaction takes the lock when it begins: one that reads first and writes later would fail at
    once (SQLITE_BUSY_SNAPSHOT) where somebody else wrote in between, whatever the timeout.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are ours to begin, not the driver's
        connection.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
        _use_wal(connection, busy_seconds)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get(REBUILDS, False):
            # dropping the old table would delete what refers to it; has no effect inside a transaction
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES, False) else "BEGIN")


def _use_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to WAL mode, which stays with the file. SQLite does not wait for others here, so we do."""
    give_up = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not str(error.sqlite_errorname).startswith("SQLITE_BUSY") or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)
