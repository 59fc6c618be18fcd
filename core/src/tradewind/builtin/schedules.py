"""A schedule that never comes to pass is said: nothing else would ever be seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from tradewind.model.spec import DagSpec
from tradewind.plugins import Problem
from tradewind.timetables.planning import bounds_of
from tradewind.timetables.registry import BUILTIN, resolve

_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def without_runs(dag: DagSpec) -> Iterator[Problem]:
    """A warning where no run will ever be made."""
    if dag.timetable is None or dag.timetable.type not in BUILTIN:
        return
    timetable, bounds = resolve(dag.timetable), bounds_of(dag)
    start = bounds.earliest or _SOME_DAY
    if timetable.next_run(None, replace(bounds, earliest=start, catchup=True), start) is None:
        when = "no run"
        if dag.end_date is not None:
            when += f" from {start:%Y-%m-%d} to {dag.end_date:%Y-%m-%d}"
        yield Problem(
            message=f"the schedule {timetable.summary!r} has {when}: it runs only when it is triggered",
            severity="warning",
        )
