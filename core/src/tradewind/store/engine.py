"""The metadata database, open: one engine, short reads, short writes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from tradewind.errors import StoreError
from tradewind.store import schema, sqlite
from tradewind.store.faults import told_clearly

Dialect = Literal["sqlite", "postgresql", "mysql"]
Synchronous = Literal["NORMAL", "FULL", "OFF"]

#: by what a URL begins with: the dialect, the driver where the URL names none, and what to install for it
_DRIVERS: dict[str, tuple[Dialect, str, str]] = {
    "sqlite": ("sqlite", "sqlite", ""),
    "postgresql": ("postgresql", "postgresql+psycopg", "psycopg[binary]"),
    "postgres": ("postgresql", "postgresql+psycopg", "psycopg[binary]"),
    "mysql": ("mysql", "mysql+pymysql", "pymysql"),
    "mariadb": ("mysql", "mariadb+pymysql", "pymysql"),
}


class Store:
    """The metadata database. Made by :func:`open_store`; not for use in a process forked later.

    :ivar where: how messages name the database; holds no password.
    :ivar path: the file, where it is SQLite.
    """

    def __init__(self, engine: Engine, dialect: Dialect, path: Path | None, throw_away: Path | None) -> None:
        self.engine = engine
        self.dialect: Dialect = dialect
        self.path = path
        self.where = str(path) if path is not None else engine.url.render_as_string(hide_password=True)
        self._throw_away = throw_away
        self._writing = engine.execution_options(**{sqlite.WRITES: True})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database. Do not keep it: SQLite's WAL grows as long as it
        is there.
        """
        with told_clearly(self.where), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back where the block raises. Keep it
        below 10 ms.
        """
        with told_clearly(self.where), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def change_tables(self) -> Iterator[Connection]:
        """A transaction for making and altering tables. Its connection is not used again: SQLite's does not
        look after references between tables, since altering a table there means to make it anew; MySQL's
        holds a lock.
        """
        engine = self._writing.execution_options(**{sqlite.REBUILDS: True})
        with told_clearly(self.where), engine.connect() as connection:
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.invalidate()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.engine.dispose()
        if self._throw_away is not None:
            shutil.rmtree(self._throw_away, ignore_errors=True)


def open_store(
    url: str | Path,
    *,
    synchronous: Synchronous = "NORMAL",
    connect_timeout: float = 10.0,
    prepare: bool = True,
    compiled: MutableMapping[Any, Any] | None = None,
) -> Store:
    """Open the metadata database, and make its tables where there are none.

    :param url: an SQLAlchemy URL, or the path of an SQLite file. ``sqlite://`` is a database that goes away
        when it is closed.
    :param synchronous: SQLite's setting. With ``NORMAL`` every commit survives the death of any process; a
        power cut may take the newest ones. ``FULL`` survives that too.
    :param connect_timeout: seconds to wait for a server, or for a lock of SQLite.
    :param prepare: ``False`` leaves the tables alone and looks at nothing: for migrations.
    :param compiled: where compiled statements are kept: for a process that opens many databases one after another.
    :raises StoreError: where it cannot be used, with what to do about it.
    """
    address, dialect, package = _address(url)
    throw_away: Path | None = None
    path: Path | None = None
    if dialect == "sqlite":
        if address.database in (None, "", ":memory:"):
            throw_away = Path(tempfile.mkdtemp(prefix="tradewind-store-"))
            address, synchronous = address.set(database=str(throw_away / "tradewind.db")), "OFF"
        path = Path(str(address.database))
    engine = _engine(address, dialect, package, synchronous, connect_timeout)
    if compiled is not None:
        engine = engine.execution_options(compiled_cache=compiled)
    store = Store(engine, dialect, path, throw_away)
    if prepare:
        try:
            schema.prepare(store)
        except BaseException:
            store.close()
            raise
    return store


def _address(url: str | Path) -> tuple[URL, Dialect, str]:
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url)), "sqlite", ""
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreError(
            "`database.url` is no database URL. Write it as sqlite:////path/to/tradewind.db, "
            "postgresql://user:password@host:5432/name or mysql://user:password@host:3306/name."
        ) from None
    known = _DRIVERS.get(address.get_backend_name())
    if known is None:
        raise StoreError(
            f"`database.url` names the database {address.get_backend_name()!r}, which Tradewind does not "
            f"know; it knows sqlite, postgresql, mysql and mariadb."
        )
    dialect, default, package = known
    return (address if "+" in address.drivername else address.set(drivername=default)), dialect, package


def _engine(address: URL, dialect: Dialect, package: str, synchronous: str, timeout: float) -> Engine:
    if dialect == "sqlite":
        engine = create_engine(address, connect_args={"timeout": timeout})
        sqlite.set_up(engine, synchronous=synchronous, busy_seconds=timeout)
        return engine
    try:
        return create_engine(
            address,
            isolation_level="READ COMMITTED",  # MySQL's default would lock gaps between rows
            pool_pre_ping=True,
            connect_args={"connect_timeout": max(1, round(timeout))},
        )
    except (ImportError, NoSuchModuleError):
        raise StoreError(
            f"`database.url` needs the driver {address.drivername!r}, which is not installed. "
            f'Install it: pip install "{package}".'
        ) from None
