"""Where a world has its store: one database for all seeds of a process, as good as new for each."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from tradewind.store.crypto import Vault
from tradewind.store.engine import open_store


class Place:
    """A folder with a metadata database. It stays open, since preparing SQLAlchemy's statements costs more than a seed."""

    def __init__(self) -> None:
        fast = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=fast if fast.is_dir() else None))
        self.path = self.folder / "tradewind.db"
        self.store = open_store(self.path, synchronous="OFF", connect_timeout=0)
        self.vault = Vault(self.folder / "key", {})
        self._empty = sqlite3.connect(":memory:")
        with self.store.read() as connection:
            connection.connection.driver_connection.backup(self._empty)  # type: ignore[union-attr]

    def clean(self) -> None:
        """Forget everything."""
        target = sqlite3.connect(self.path)
        try:
            self._empty.backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Remove the folder."""
        self.store.close()
        self._empty.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def place() -> Place:
    """This process's place."""
    made = Place()
    atexit.register(made.close)
    return made
