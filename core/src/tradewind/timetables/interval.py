"""Timetables of data intervals: a run for each stretch of time, started when the stretch has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, Self

from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, OutOfTime, PlannedRun, Timetable
from tradewind.timetables.cron import Cron
from tradewind.timetables.step import Step
from tradewind.timetables.zones import timezone_name


class _Intervals(Timetable):
    """Stretches between the times of a cron, or of equal steps."""

    _times: Cron | Step

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        try:
            start = self._start(last, bounds, now)
            if start is None or (bounds.latest is not None and start > bounds.latest):
                return None
            return PlannedRun.over(start, self._times.after(start))
        except OutOfTime:
            return None

    def _start(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> datetime | None:
        starts = [] if bounds.earliest is None else [self._times.at_or_after(bounds.earliest)]
        if not bounds.catchup:
            starts.append(self._times.newest_start(now, bounds.earliest))
        if last is not None:
            starts.append(self._following(last))
        return max(starts, default=None)

    def _following(self, last: DataInterval) -> datetime:
        """Where the run after ``last`` begins; after a change of schedule the stretch that is under way counts, but
        never one whose logical date would go back."""
        start = self._times.at_or_before(last.end)
        return start if start > last.start else self._times.at_or_after(last.end)

    def moment_before(self, moment: datetime) -> datetime | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        try:
            return self._times.before(moment)
        except OutOfTime:
            return None

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The newest stretch that had ended at ``run_after``; a stretch of a step ends right there."""
        try:
            end = self._times.at_or_before(run_after)
            return DataInterval(self._times.before(end), end)
        except OutOfTime:
            return DataInterval(run_after, run_after)


class CronDataIntervalTimetable(_Intervals):
    """A run for each stretch between two times of a cron: what ``schedule="0 6 * * *"`` stands for.

    :param cron: five fields, or a preset such as ``"@daily"``.
    :param timezone: whose wall clock the cron goes by; left out: that of its DAG.
    """

    name: ClassVar[str] = "cron_data_interval"

    def __init__(self, cron: str, timezone: str | tzinfo | None = None) -> None:
        self._text, self._zone = cron, timezone_name(timezone or UTC)
        self.has_zone = timezone is not None
        self._times = Cron(cron, self._zone)

    @property
    def summary(self) -> str:
        """The schedule as it was written."""
        return self._text

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return {"cron": self._text, "timezone": self._zone}


class DeltaDataIntervalTimetable(_Intervals):
    """A run for each stretch of a length, counted from the start date: what ``schedule=timedelta(...)`` stands for.

    :param delta: a ``timedelta``, or a ``relativedelta`` of months and years.
    """

    name: ClassVar[str] = "delta_data_interval"

    def __init__(self, delta: Any) -> None:
        self._times: Step = Step.for_schedule(delta)

    @property
    def summary(self) -> str:
        """The step."""
        return str(self._times)

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return self._times.stored()

    @classmethod
    def deserialize(cls, data: Mapping[str, Any]) -> Self:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return cls(data)
