"""What a database driver raised, put into words that name the database, the trouble and the cure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tradewind.errors import Conflict, StoreError, TradewindError

_CORRUPT = (
    "The metadata database {where} is damaged or is no SQLite database ({detail}). Nothing was changed. Stop "
    "Tradewind and put a backup in its place; without one, move the file and its -wal and -shm files away, "
    "and Tradewind starts with an empty database."
)
#: by the beginning of SQLite's error name; the first that fits
_SQLITE: tuple[tuple[str, bool, str], ...] = (
    ("SQLITE_NOTADB", False, _CORRUPT),
    ("SQLITE_CORRUPT", False, _CORRUPT),
    (
        "SQLITE_BUSY",
        True,
        "The metadata database {where} stayed locked by another process ({detail}). Look for one that holds "
        "a transaction open on this file (`fuser {where}` lists them), or raise `database.connect_timeout`.",
    ),
    ("SQLITE_LOCKED", True, "The metadata database {where} stayed locked ({detail}). Try again."),
    (
        "SQLITE_FULL",
        True,
        "The disk of the metadata database {where} is full ({detail}). Free some space; what was being "
        "written was not kept, everything before it was.",
    ),
    (
        "SQLITE_READONLY",
        False,
        "The metadata database {where} can only be read ({detail}). Give this user the right to write to the "
        "file and to its folder, or choose another place with `database.url`.",
    ),
    (
        "SQLITE_CANTOPEN",
        False,
        "The metadata database {where} cannot be opened ({detail}). Its folder must exist, and this user "
        "must be able to write to it; or choose another place with `database.url`.",
    ),
    (
        "SQLITE_PERM",
        False,
        "This user may not use the metadata database {where} ({detail}). Change its owner or its "
        "permissions.",
    ),
    (
        "SQLITE_IOERR",
        True,
        "The disk failed while using the metadata database {where} ({detail}). See whether it is full or "
        "broken, or whether the folder was removed.",
    ),
)


@contextmanager
def told_clearly(where: str) -> Iterator[None]:
    """Turn what the driver raises inside the ``with`` block into our errors; let everything else through.

    :raises StoreError: where the database cannot do it.
    :raises Conflict: where it exists already, or what it needs is gone.
    """
    try:
        yield
    except TradewindError:
        raise
    except Exception as error:
        explained = explain(error, where)
        if explained is None:
            raise
        raise explained from error


def explain(error: BaseException, where: str) -> TradewindError | None:
    """The error in our words, or ``None`` where it does not come from a database.

    Only the driver's own first line is repeated: SQLAlchemy's text would show parameters, and they may be
    secret.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    names = {ancestor.__name__ for ancestor in type(cause).__mro__}
    detail = _first_line(cause)
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause, names, detail, where)
    if "IntegrityError" in names:
        return Conflict(f"The metadata database {where} refused a row: {detail}.")
    if names & {"OperationalError", "InterfaceError"}:
        return StoreError(
            f"The metadata database {where} cannot be used at present: {detail}. See that the server runs, "
            f"and that `database.url` has the right host, name, user and password.",
            transient=True,
        )
    if isinstance(error, SQLAlchemyError) or names & {"DatabaseError"}:
        return StoreError(f"The metadata database {where} refused a statement: {detail}.")
    return None


def _explain_sqlite(cause: sqlite3.Error, names: set[str], detail: str, where: str) -> TradewindError:
    code = getattr(cause, "sqlite_errorname", None) or ""
    if "IntegrityError" in names:
        return Conflict(f"The metadata database {where} refused a row: {detail}.")
    for beginning, transient, message in _SQLITE:
        if code.startswith(beginning):
            return StoreError(message.format(where=where, detail=detail), transient=transient)
    if "no such table" in detail or "no such column" in detail:
        return StoreError(
            f"The metadata database {where} has not the tables that this version of Tradewind needs "
            f"({detail}). Run `tradewind db migrate`."
        )
    return StoreError(f"The metadata database {where} refused a statement: {detail}.")


def _first_line(cause: BaseException) -> str:
    # PyMySQL's errors are (number, text)
    text = str(cause.args[1]) if len(cause.args) == 2 and isinstance(cause.args[0], int) else str(cause)
    return (text.strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
