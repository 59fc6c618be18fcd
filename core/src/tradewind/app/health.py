"""Whether an installation is well: its database, and the processes that wrote that they live."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.store.rows import ProcessRow

HEALTHY, UNHEALTHY, NOT_NEEDED = "healthy", "unhealthy", "not needed"
SILENT_AFTER = 30.0  #: seconds without a sign of life after which a process is not taken for well


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the installation, and how it is.

    :param note: what is wrong with it, or worth knowing.
    """

    component: str
    status: str
    note: str = ""
    process: ProcessRow | None = None


def parts_of(system: System) -> list[Part]:
    """All parts; the database alone where that is not well."""
    database = _database(system)
    return [database] if database.status == UNHEALTHY else [database, *_processes(system)]


def _database(system: System) -> Part:
    from tradewind.errors import StoreError
    from tradewind.store import schema
    from tradewind.store.engine import open_store

    settings = system.settings
    try:
        store = open_store(
            settings.database_address,
            synchronous=settings.database.synchronous,
            connect_timeout=settings.database.connect_timeout,
            prepare=False,
        )
        with closing(store):
            if store.path is not None and not store.path.exists():
                return Part("database", UNHEALTHY, f"there is none at {store.path} yet: start `tradewind up`")
            schema.check(store)
    except StoreError as error:
        return Part("database", UNHEALTHY, str(error))
    return Part("database", HEALTHY, f"revision {schema.HEAD}")


def _processes(system: System) -> Iterator[Part]:
    from tradewind.store.health import IMPORTER

    holder = system.scheduler
    schedulers = system.health.schedulers() if holder is not None and holder.kind == "scheduler" else []
    yield from _those(system, "scheduler", schedulers, "none runs: start `tradewind up`")
    by_kind: dict[str, list[ProcessRow]] = {}
    for row in system.health.workers():
        by_kind.setdefault(row.kind, []).append(row)
    executor = system.settings.core.executor
    by_kind.setdefault(executor, [])
    importers, triggerers = by_kind.pop(IMPORTER, []), by_kind.pop("triggerer", [])
    for kind, rows in sorted(by_kind.items()):
        yield from _those(system, f"executor {kind}", rows, "nobody is there to run tasks")
    yield from _those(system, "importer", importers, "none runs: start `tradewind up`")
    if triggerers or system.health.triggers_are_waited_for():
        yield from _those(system, "triggerer", triggerers, "none runs, and tasks wait for triggers")
    else:
        yield Part("triggerer", NOT_NEEDED, "it is started when something waits for a trigger")


def _those(system: System, component: str, rows: list[ProcessRow], none: str) -> Iterator[Part]:
    if not rows:
        yield Part(component, UNHEALTHY, none)
    for row in rows:
        wrong = _wrong_with(system, row)
        yield Part(component, UNHEALTHY if wrong else HEALTHY, wrong, row)


def _wrong_with(system: System, row: ProcessRow) -> str:
    if row.host == socket.gethostname() and not _is_there(row.pid):
        return "its process is gone"
    heard = row.beat_at or row.started_at
    silent = (system.clock.now() - heard).total_seconds()
    return f"no sign of life for {silent:.0f} s" if silent > SILENT_AFTER else ""


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # one that has ended, and that nobody has asked after, is not there (Linux)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True
