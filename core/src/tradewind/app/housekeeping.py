"""What is old is forgotten, a little at a time: runs with all that belongs to them, their logs, unused versions."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tradewind.errors import TradewindError

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.store.cleaning import Cleaned

DAY = 86400.0  #: seconds


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: runs that ended after ``since`` (``None``: whenever), and of each DAG at most the newest ``runs``
    (0: any number). Open runs are kept whatever their number and age."""

    since: datetime | None
    runs: int = 0


def retention_of(system: System) -> Retention:
    """What the settings say is kept."""
    kept = system.settings.retention
    since = system.clock.now() - timedelta(days=kept.days) if kept.days > 0 else None
    return Retention(since, kept.runs_per_dag)


def old_runs(system: System, kept: Retention) -> list[int]:
    """The pks of the runs that are not kept."""
    from tradewind.store.cleaning import Cleaner

    cleaner = Cleaner(system.store)
    old = cleaner.old_runs(kept.since) if kept.since is not None else []
    return list(dict.fromkeys([*old, *(cleaner.runs_beyond(kept.runs) if kept.runs > 0 else [])]))


def forget(system: System, kept: Retention, runs: Iterable[int], tell: Callable[[str], None]) -> Counter[str]:
    """Forget runs, and what else is older than what is kept; each step is a small transaction of its own.

    :param tell: told what could not be removed.
    :returns: how many rows of each table were deleted.
    """
    from tradewind.store.cleaning import Cleaner

    cleaner = Cleaner(system.store)
    deleted: Counter[str] = Counter()

    def note(steps: Iterable[Cleaned]) -> None:
        for step in steps:
            deleted[step.table] += step.rows

    for run_pk in runs:
        _forget_spilled(system, run_pk, tell)
        _forget_logs(system, run_pk)
        note(cleaner.delete_run(run_pk))
    if kept.since is not None:
        note(cleaner.delete_unused_versions(kept.since))
        note(cleaner.delete_others(kept.since))
    return deleted


def housekeeping_main(system: System) -> int:
    """A process of ``up`` that comes once a day, does what there is to do, and ends."""
    import logging

    log = logging.getLogger("tradewind.housekeeping")
    os.nice(10)
    kept = retention_of(system)
    deleted = forget(system, kept, old_runs(system, kept), lambda text: log.warning("%s", text))
    if deleted:
        log.info("forgot what is old: %s", ", ".join(f"{rows} of {table}" for table, rows in deleted.items()))
    system.close()
    return 0


def _forget_spilled(system: System, run_pk: int, tell: Callable[[str], None]) -> None:
    """Let the backends forget what they hold for a run; one that is not there any more keeps its values."""
    for xcom in system.xcoms.spilled([run_pk]):
        try:
            system.plugins.get("xcom_backend", xcom.backend)().delete(xcom.reference)
        except TradewindError as error:
            tell(f"A value of XCom backend {xcom.backend!r} is left behind: {error}")


def _forget_logs(system: System, run_pk: int) -> None:
    run = system.runs.by_pk(run_pk)
    if run is None:
        return  # somebody else forgot it meanwhile
    folder = system.settings.logs.folder / run.info.dag_id
    shutil.rmtree(folder / run.info.run_id, ignore_errors=True)
    try:
        folder.rmdir()
    except OSError:
        pass  # other runs have theirs there
