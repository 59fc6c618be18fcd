"""The runs that a DAG's schedule has ahead of it."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from tradewind.errors import Refused
from tradewind.model.run import DataInterval
from tradewind.model.spec import DagSpec, TimetableSpec
from tradewind.scheduler.foreign import ForeignTimetable
from tradewind.timetables import Bounds, PlannedRun, Timetable, resolve
from tradewind.timetables.planning import bounds_of, due_runs, runs_ahead
from tradewind.timetables.registry import BUILTIN

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.ports.planner import Planner
    from tradewind.store.rows import DagRow


def runs_to_come(system: System, row: DagRow, spec: DagSpec, now: datetime, number: int) -> list[PlannedRun]:
    """The next runs, as if the DAG were switched on; fewer than ``number`` where its schedule ends before."""
    return list(islice(runs_ahead(timetable_of(system, spec), _last(row), bounds_of(spec), now), number))


def held_back(system: System, row: DagRow, spec: DagSpec, now: datetime) -> str | None:
    """Why the DAG waits, where more runs are due than are made without being asked."""
    if not spec.catchup:
        return None
    from tradewind.scheduler import catchup

    above = system.settings.scheduler.catchup_confirm_above
    timetable, bounds, last = timetable_of(system, spec), bounds_of(spec), _last(row)
    first = timetable.next_run(last, bounds, now)
    if first is None or due_runs(timetable, last, bounds, now, above + 1) <= above:
        return None
    confirmed = system.commands.last_applied("catch_up", row.dag_id)
    if confirmed is not None and confirmed >= first.run_after:
        return None
    return catchup.held_back(row.dag_id, above)


class _AskedTimetable(ForeignTimetable):
    """A plugin's, asked as the scheduler asks it, but waited for."""

    def __init__(self, spec: TimetableSpec, planner: Planner) -> None:
        super().__init__(spec)
        self._planner = planner

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.Timetable`."""
        told = super().next_run(last, bounds, now)
        if self.wanted is None:
            return told
        question, self.wanted = self.wanted, None
        answer = self._planner.answer(question)
        if answer.error:
            raise Refused(answer.error)
        self.take(question, answer)
        return answer.runs[0] if answer.runs else None


def timetable_of(system: System, spec: DagSpec) -> Timetable:
    """When the DAG runs; a plugin's timetable is asked in a process apart."""
    if spec.timetable is None or spec.timetable.type in BUILTIN:
        return resolve(spec.timetable)
    return _AskedTimetable(spec.timetable, system.planner)


def _last(row: DagRow) -> DataInterval | None:
    if row.cursor_start is None or row.cursor_end is None:
        return None
    return DataInterval(row.cursor_start, row.cursor_end)
