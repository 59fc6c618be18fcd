"""What a restored installation would do first: the runs that are due since its backup, and those that were going on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tradewind.cli.upcoming import runs_to_come
from tradewind.model.commands import PauseBackfill, SetPaused
from tradewind.model.states import RunState

if TYPE_CHECKING:
    from tradewind.app.system import System

AT_MOST = 1000  #: due runs of a DAG that are counted


@dataclass(frozen=True, slots=True)
class Due:
    """A DAG that would run at once. ``first`` is the logical date of its first due run."""

    dag_id: str
    due: int
    first: datetime | None
    open: int


def due_after_restore(system: System) -> list[Due]:
    """The DAGs that are switched on and would run at once, by their ids."""
    now = system.clock.now()
    found = []
    for row in system.dags.find(paused=False):
        if row.version_id is None:
            continue
        spec = system.dags.load_version(row.version_id).spec
        ahead = [run for run in runs_to_come(system, row, spec, now, AT_MOST) if run.run_after <= now]
        going_on = system.runs.count(row.dag_id, states=(RunState.QUEUED, RunState.RUNNING))
        if ahead or going_on:
            first = ahead[0].logical_date if ahead else None
            found.append(Due(row.dag_id, len(ahead), first, going_on))
    return found


def switch_off(system: System, dags: list[Due]) -> None:
    """Switch them off, so that nothing is done twice before somebody has looked."""
    for one in dags:
        system.command(SetPaused(dag_id=one.dag_id, paused=True))


def pause_backfills(system: System) -> list[int]:
    """Pause backfills that would go on, whose runs start even though their DAG is switched off; their numbers."""
    going_on = [
        one
        for one in system.backfills.find(open_only=True, limit=AT_MOST)
        if not one.is_paused and one.cancelled_at is None
    ]
    for one in going_on:
        system.command(PauseBackfill(dag_id=one.dag_id, backfill_id=one.id, paused=True))
    return [one.id for one in going_on]
