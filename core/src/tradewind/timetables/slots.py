"""The times of a schedule in a stretch of the past, for whoever fills it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tradewind.errors import Refused
from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec
from tradewind.timetables.base import Bounds, PlannedRun, Timetable

#: timetables that do not come back at times of their own
_NOT_PERIODIC = frozenset({"once", "continuous", "asset_triggered"})


def is_periodic(spec: TimetableSpec | None) -> bool:
    """Whether the schedule comes back again and again, at times that can be told beforehand."""
    return spec is not None and spec.type not in _NOT_PERIODIC


def slots_between(
    timetable: Timetable,
    since: datetime,
    until: datetime,
    before: datetime,
    last: DataInterval | None = None,
) -> Iterator[PlannedRun]:
    """The runs of a schedule with a logical date in [since, until] whose interval ended before ``before``, oldest first.
    The DAG's own first and last date do not matter.

    :param last: go on behind this interval.
    :raises Refused: for a plugin's timetable.
    """
    if timetable.is_foreign:
        raise Refused(
            f"The timetable {timetable.summary!r} is a plugin's, whose past dates are not filled yet: make single runs with "
            f"`tradewind dags trigger DAG --logical-date D`."
        )
    while True:
        bounds = Bounds(None if last is not None else since, until, catchup=True)
        planned = timetable.next_run(last, bounds, before)
        if planned is None or planned.logical_date > until or planned.interval.end >= before:
            return
        if last is not None and planned.logical_date <= last.start:
            return  # a schedule that does not move on
        last = planned.interval
        yield planned
