"""The runs that a DAG's schedule has ahead of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tradewind.model.run import DataInterval
from tradewind.model.spec import DagSpec
from tradewind.timetables import PlannedRun, resolve
from tradewind.timetables.base import Bounds

if TYPE_CHECKING:
    from tradewind.store.rows import DagRow


def runs_to_come(row: DagRow, spec: DagSpec, now: datetime, number: int) -> list[PlannedRun]:
    """The next runs, as if the DAG were switched on; fewer than ``number`` where its schedule ends before."""
    starts = [task.start_date for task in spec.tasks if task.start_date is not None]
    bounds = Bounds(spec.start_date or (min(starts) if starts else None), spec.end_date, spec.catchup)
    timetable = resolve(spec.timetable)
    last = (
        DataInterval(row.cursor_start, row.cursor_end)
        if row.cursor_start is not None and row.cursor_end is not None
        else None
    )
    found: list[PlannedRun] = []
    while len(found) < number:
        planned = timetable.next_run(last, bounds, now)
        if planned is None:
            break
        found.append(planned)
        last, now = planned.interval, max(now, planned.run_after)
    return found
