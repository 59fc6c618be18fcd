"""Timetables of trigger times: a run at each time itself, whatever data it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Self

from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, OutOfTime, PlannedRun, Timetable
from tradewind.timetables.cron import Cron
from tradewind.timetables.step import Step
from tradewind.timetables.zones import timezone_name

_NO_TIME = timedelta()


class _Triggers(Timetable):
    """Runs at the times of a cron, or in equal steps; the data interval of each ends at its time."""

    _times: Cron | Step
    _interval: Step

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        try:
            times = [] if bounds.earliest is None else [self._times.at_or_after(bounds.earliest)]
            if not bounds.catchup:
                times.append(self._times.at_or_before(now))
            if last is not None:
                times.append(self._times.after(last.end))
            elif bounds.earliest is None:
                times.append(self._first(now))
            time = max(times)
            if bounds.latest is not None and time > bounds.latest:
                return None
            return PlannedRun.over(self._interval.before(time), time)
        except OutOfTime:
            return None

    def _first(self, now: datetime) -> datetime:
        """The time of the first run of a DAG without a start date."""
        return self._times.at_or_before(now)

    def moment_before(self, moment: datetime) -> datetime | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        try:
            return self._times.before(moment)
        except OutOfTime:
            return None

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The interval that ends at ``run_after``."""
        try:
            return DataInterval(self._interval.before(run_after), run_after)
        except OutOfTime:
            return DataInterval(run_after, run_after)


class CronTriggerTimetable(_Triggers):
    """A run at each time of a cron.

    :param cron: five fields, or a preset such as ``"@daily"``.
    :param timezone: whose wall clock the cron goes by; left out: that of its DAG.
    :param interval: the length of the data interval that ends at the run's time: ``timedelta`` or ``relativedelta``.
    :param run_immediately: what a DAG without a start date does first: ``True``: run for the last time that has passed;
        a ``timedelta``: do so if that is no longer ago; ``False``: if it is no longer ago than a tenth of the way to the
        next time, or five minutes.
    """

    name: ClassVar[str] = "cron_trigger"

    def __init__(
        self,
        cron: str,
        *,
        timezone: str | tzinfo | None = None,
        interval: Any = _NO_TIME,
        run_immediately: bool | float | timedelta = False,
    ) -> None:
        self._text, self._zone = cron, timezone_name(timezone or UTC)
        self.has_zone = timezone is not None
        self._times: Cron = Cron(cron, self._zone)
        self._interval = Step.for_interval(interval)
        self._run_immediately = _immediacy(run_immediately)

    @property
    def summary(self) -> str:
        """The schedule as it was written."""
        return self._text

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return {
            "cron": self._text,
            "timezone": self._zone,
            "interval": self._interval.stored(),
            "run_immediately": self._run_immediately,
        }

    def _first(self, now: datetime) -> datetime:
        past = self._times.at_or_before(now)
        if self._run_immediately is True:
            return past
        following = self._times.at_or_after(now)
        if self._run_immediately is False:
            patience = max((following - past) / 10, timedelta(minutes=5))
        else:
            patience = timedelta(seconds=self._run_immediately)
        return past if now - past <= patience else following


class MultipleCronTriggerTimetable(Timetable):
    """A run at each time of any of several crons; one run where several of them meet.

    :param crons: each as in :class:`CronTriggerTimetable`, as are the other arguments.
    """

    name: ClassVar[str] = "multiple_cron_trigger"

    def __init__(
        self,
        *crons: str,
        timezone: str | tzinfo | None = None,
        interval: Any = _NO_TIME,
        run_immediately: bool | float | timedelta = False,
    ) -> None:
        if not crons:
            raise DefinitionError("MultipleCronTriggerTimetable needs a cron: give one, or several.")
        self.has_zone = timezone is not None
        self._parts = [
            CronTriggerTimetable(cron, timezone=timezone, interval=interval, run_immediately=run_immediately)
            for cron in crons
        ]

    @property
    def summary(self) -> str:
        """All crons."""
        return ", ".join(part.summary for part in self._parts)

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        planned = [run for part in self._parts if (run := part.next_run(last, bounds, now)) is not None]
        if not bounds.catchup:
            # Of the times that have passed the newest, which makes up for the others.
            passed = [run for run in planned if run.logical_date <= now]
            if passed:
                return max(passed, key=lambda run: run.logical_date)
        return min(planned, key=lambda run: run.logical_date, default=None)

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The interval that ends at ``run_after``."""
        return self._parts[0].manual_interval(run_after)

    def moment_before(self, moment: datetime) -> datetime | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return max(filter(None, (part.moment_before(moment) for part in self._parts)), default=None)

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        common = self._parts[0].serialize()
        del common["cron"]
        return {"crons": [part.summary for part in self._parts], **common}

    @classmethod
    def deserialize(cls, data: Mapping[str, Any]) -> Self:
        """See :class:`tradewind.timetables.base.Timetable`."""
        rest = dict(data)
        return cls(*rest.pop("crons"), **rest)


class DeltaTriggerTimetable(_Triggers):
    """A run every so often, counted from the start date.

    :param delta: ``timedelta`` or ``relativedelta`` from one run to the next.
    :param interval: the length of the data interval that ends at the run's time.
    """

    name: ClassVar[str] = "delta_trigger"

    def __init__(self, delta: Any, *, interval: Any = _NO_TIME) -> None:
        self._times: Step = Step.for_schedule(delta)
        self._interval = Step.for_interval(interval)

    @property
    def summary(self) -> str:
        """The step."""
        return str(self._times)

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return {"delta": self._times.stored(), "interval": self._interval.stored()}


def _immediacy(value: bool | float | timedelta | None) -> bool | float:
    """``True``, ``False`` or seconds."""
    if value is None:
        return False
    return value.total_seconds() if isinstance(value, timedelta) else value
