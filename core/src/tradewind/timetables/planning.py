"""What a schedule has ahead of it: the same functions for the scheduler, which makes the runs, and for their preview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tradewind.model.run import DataInterval
from tradewind.model.spec import DagSpec
from tradewind.timetables.base import Bounds, PlannedRun, Timetable

_SAMPLE = 16  # runs from which the number of all that are due is judged, before each is counted


def bounds_of(spec: DagSpec) -> Bounds:
    """Between which logical dates the DAG runs. Without a start date it begins with the first of its tasks that has one."""
    starts = [task.start_date for task in spec.tasks if task.start_date is not None]
    return Bounds(spec.start_date or min(starts, default=None), spec.end_date, spec.catchup)


def next_planned(
    timetable: Timetable, kept: PlannedRun | None, last: DataInterval | None, bounds: Bounds, now: datetime
) -> PlannedRun | None:
    """The run to be made next.

    :param kept: what was planned before, from the same ``last``. It stays, lest a run that is due be lost or moved by being
        looked at late; but without catch-up a newer one that is due as well takes its place.
    """
    if kept is None or not timetable.plans_ahead:
        return timetable.next_run(last, bounds, now)
    if bounds.catchup or kept.run_after > now:
        return kept
    following = timetable.next_run(kept.interval, bounds, now)
    return following if following is not None and following.run_after <= now else kept


def runs_ahead(
    timetable: Timetable, last: DataInterval | None, bounds: Bounds, now: datetime
) -> Iterator[PlannedRun]:
    """All runs to come, each as if the time of the one before it had come."""
    while (planned := timetable.next_run(last, bounds, now)) is not None:
        yield planned
        last, now = planned.interval, max(now, planned.run_after)


def due_runs(
    timetable: Timetable, last: DataInterval | None, bounds: Bounds, now: datetime, at_most: int
) -> int:
    """How many runs are due by ``now``; ``at_most`` where there are more. Few are counted where few can be meant."""
    before: datetime | None = None
    shortest: timedelta | None = None
    number = 0
    for planned in runs_ahead(timetable, last, bounds, now):
        if planned.run_after > now or number >= at_most:
            break
        number += 1
        if before is not None:
            gap = planned.run_after - before
            shortest = gap if shortest is None else min(gap, shortest)
        before = planned.run_after
        if number == _SAMPLE and shortest and number + (now - before) / shortest < at_most:
            return number + int((now - before) / shortest)
    return number
