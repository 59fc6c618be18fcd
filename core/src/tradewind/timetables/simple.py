"""Timetables without a calendar: never, once, and without a pause."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, PlannedRun, Timetable


class NullTimetable(Timetable):
    """No run but those that somebody triggers: what ``schedule=None`` stands for."""

    name: ClassVar[str] = "null"

    @property
    def summary(self) -> str:
        """``none``."""
        return "none"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """Never."""
        return None


class OnceTimetable(Timetable):
    """A single run at the start date, or at once: what ``schedule="@once"`` stands for."""

    name: ClassVar[str] = "once"

    @property
    def summary(self) -> str:
        """``@once``."""
        return "@once"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        if last is not None:
            return None
        at = bounds.earliest or now
        if bounds.latest is not None and at > bounds.latest:
            return None
        return PlannedRun.over(at, at)


class ContinuousTimetable(Timetable):
    """A run as soon as the one before has ended, about the time since then: what ``schedule="@continuous"`` stands for."""

    name: ClassVar[str] = "continuous"
    active_runs_limit: ClassVar[int | None] = 1
    plans_ahead: ClassVar[bool] = False

    @property
    def summary(self) -> str:
        """``@continuous``."""
        return "@continuous"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        start = bounds.earliest or now
        if last is not None:
            # A run of no length is never followed by another with its logical date.
            start = max(last.end, last.start + timedelta(microseconds=1))
        end = max(start, now)
        if bounds.latest is not None and end > bounds.latest:
            return None
        return PlannedRun.over(start, end)
