"""One scheduler at a time: the lock that it holds for as long as its process lives."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from tradewind.errors import StoreError
from tradewind.store.engine import Store
from tradewind.store.faults import told_clearly

# somebody who asks for the holder has the lock for microseconds: look again before giving up
_LOOKS = 5
_PAUSE = 0.005
_NAME = "tradewind scheduler"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock.

    :param kind: what it is: ``"scheduler"``, or ``"command"`` for one that applies a single command.
    :param started: when it took the lock, as it said; for people.
    """

    pid: int
    kind: str
    started: str = ""


class SchedulerLock(Protocol):
    """Held by one process at most."""

    def try_acquire(self, kind: str, started: str = "") -> bool:
        """Take the lock if nobody has it. Call it in the process that will hold it, not before a fork."""
        ...

    def holder(self) -> Holder | None:
        """Who has it, or ``None``."""
        ...

    def release(self) -> None:
        """Let it go; nothing happens where it is not held."""
        ...


def scheduler_lock(store: Store) -> SchedulerLock:
    """The lock that belongs to this database."""
    if store.path is not None:
        return FileLock(store.path.with_name(store.path.name + ".scheduler"))
    return ServerLock(store)


class FileLock:
    """An ``flock`` on a file beside an SQLite database; the system drops it when the process dies, however it
    dies.

    A child forked later would keep it alive: it must not outlive its parent with the descriptor open.
    Programs that are started do not get it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_acquire(self, kind: str, started: str = "") -> bool:
        if self._descriptor is not None:
            return True
        descriptor = self._open()
        for look in range(_LOOKS):
            if look:
                time.sleep(_PAUSE)
            if _try_flock(descriptor, fcntl.LOCK_EX):
                break
        else:
            os.close(descriptor)
            return False
        told = json.dumps({"pid": os.getpid(), "kind": kind, "started": started}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, told, 0)
        self._descriptor = descriptor
        return True

    def holder(self) -> Holder | None:
        if self._descriptor is not None:
            return self._read(self._descriptor)
        if not self.path.exists():
            return None
        descriptor = self._open()
        try:
            return None if _try_flock(descriptor, fcntl.LOCK_SH) else self._read(descriptor)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"The lock file {self.path} cannot be opened ({error.strerror}). This user must be able to "
                f"write to it and to its folder."
            ) from error

    def _read(self, descriptor: int) -> Holder:
        try:
            told = json.loads(os.pread(descriptor, 4096, 0))
            return Holder(int(told["pid"]), str(told["kind"]), str(told.get("started", "")))
        except (ValueError, KeyError, TypeError):
            return Holder(0, "unknown")  # it has the lock, and is about to say who it is


class ServerLock:
    """A lock that the database server keeps for a connection of its own, and drops when that breaks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None

    def try_acquire(self, kind: str, started: str = "") -> bool:
        if self._connection is not None:
            return True
        with told_clearly(self._store.where):
            connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if not connection.execute(text(self._take())).scalar():
                connection.close()
                return False
        self._connection = connection
        return True

    def holder(self) -> Holder | None:
        if self._connection is not None:
            return Holder(os.getpid(), "scheduler")
        if not self.try_acquire("question"):
            return Holder(0, "unknown")
        self.release()
        return None

    def release(self) -> None:
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        # closing the connection would do it too, but only once the server has noticed
        with suppress(SQLAlchemyError):
            connection.execute(text(self._let_go()))
        connection.invalidate()
        connection.close()

    def _take(self) -> str:
        if self._store.dialect == "postgresql":
            return f"SELECT pg_try_advisory_lock(hashtext('{_NAME}'))"
        return f"SELECT GET_LOCK(CONCAT('{_NAME} ', DATABASE()), 0)"

    def _let_go(self) -> str:
        if self._store.dialect == "postgresql":
            return f"SELECT pg_advisory_unlock(hashtext('{_NAME}'))"
        return f"SELECT RELEASE_LOCK(CONCAT('{_NAME} ', DATABASE()))"


def _try_flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
