"""Cron expressions: checked, and walked forwards and backwards in their own time zone.

A cron at fixed times of day keeps the wall clock: a time that a change of clocks leaves out runs later by the length
of the gap, one that comes twice runs the second time. A cron of every so many minutes or hours runs through both
passes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, PlannedRun

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def zone(name: str) -> tzinfo:
    """The time zone of that name, or of a fixed offset written as ``+02:00``.

    :raises DefinitionError: where there is none.
    """
    if name.upper() == "UTC":
        return UTC
    if name[:1] in "+-" and len(name) == 6:
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").utcoffset() or timedelta()
        return fixed_zone(offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DefinitionError(
            f"There is no time zone {name!r}; write it as in the time zone database, e.g. 'Europe/Amsterdam'."
        ) from None


def check_cron(expression: str) -> None:
    """Pass where the expression is one that runs some day.

    :raises DefinitionError: naming what is wrong with it.
    """
    Cron(expression, "UTC")


class Cron:
    """A cron expression in a time zone."""

    def __init__(self, expression: str, timezone: str) -> None:
        from croniter import CroniterError, croniter

        self.expression = PRESETS.get(expression.strip().lower(), expression)
        self.zone = zone(timezone)
        self._iterator: Any = croniter
        fields = self.expression.split()
        try:
            self._iterator(self.expression, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
        except (CroniterError, ValueError, KeyError, TypeError) as error:
            raise DefinitionError(
                f"{expression!r} is no cron expression that ever runs ({error}). It has five fields: "
                f"minute, hour, day of month, month, day of week."
            ) from None
        self._is_fixed = all(
            not set(field) & set("*/-,") or field.replace(",", "").isdigit() for field in fields[:2]
        )

    def after(self, moment: datetime) -> datetime:
        """The first time after ``moment``; UTC."""
        return self._step(moment, forwards=True)

    def before(self, moment: datetime) -> datetime:
        """The last time before ``moment``; UTC."""
        return self._step(moment, forwards=False)

    def at_or_after(self, moment: datetime) -> datetime:
        """``moment`` itself where it is one of the times, else the first after it."""
        following = self.after(moment)
        return moment if self.before(following) == moment else following

    def at_or_before(self, moment: datetime) -> datetime:
        """``moment`` itself where it is one of the times, else the last before it."""
        preceding = self.before(moment)
        return moment if self.after(preceding) == moment else preceding

    def _step(self, moment: datetime, *, forwards: bool) -> datetime:
        if self._is_fixed:
            wall = moment.astimezone(self.zone).replace(tzinfo=None)
            iterator = self._iterator(self.expression, wall)
            while True:
                naive = iterator.get_next(datetime) if forwards else iterator.get_prev(datetime)
                found: datetime = self._absolute(naive)
                if found > moment if forwards else found < moment:
                    return found
        local = moment.astimezone(self.zone)
        iterator = self._iterator(self.expression, local)
        stepped: datetime = iterator.get_next(datetime) if forwards else iterator.get_prev(datetime)
        return stepped.astimezone(UTC)

    def _absolute(self, naive: datetime) -> datetime:
        """A wall-clock time as a moment: inside a gap, shifted by the gap's length; inside a fold, the second pass."""
        return naive.replace(tzinfo=self.zone, fold=1 if self._folds(naive) else 0).astimezone(UTC)

    def _folds(self, naive: datetime) -> bool:
        first = naive.replace(tzinfo=self.zone, fold=0).utcoffset()
        second = naive.replace(tzinfo=self.zone, fold=1).utcoffset()
        return first is not None and second is not None and first > second


class CronDataInterval:
    """A run for each stretch between two times of a cron, started when the stretch has ended."""

    def __init__(self, cron: str, timezone: str = "UTC") -> None:
        self._text = cron
        self._cron = Cron(cron, timezone)

    @property
    def summary(self) -> str:
        """The schedule as it was written."""
        return self._text

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        earliest = bounds.earliest
        if not bounds.catchup:
            newest = self._newest_start(now)
            earliest = newest if earliest is None else max(earliest, newest)
        if last is not None:
            start = self._following(last)
            if earliest is not None:
                start = max(start, self._cron.at_or_after(earliest))
        elif earliest is None:
            return None
        else:
            start = self._cron.at_or_after(earliest)
        if bounds.latest is not None and start > bounds.latest:
            return None
        end = self._cron.after(start)
        return PlannedRun(end, DataInterval(start, end))

    def _following(self, last: DataInterval) -> datetime:
        """Where the run after ``last`` begins; after a change of schedule the stretch that is under way counts, but
        never one whose logical date would go back."""
        start = self._cron.at_or_before(last.end)
        return start if start > last.start else self._cron.at_or_after(last.end)

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The newest stretch that had ended at ``run_after``."""
        end = self._cron.at_or_before(run_after)
        return DataInterval(self._cron.before(end), end)

    def _newest_start(self, now: datetime) -> datetime:
        """The start of the newest interval that has ended by ``now``."""
        return self._cron.before(self._cron.at_or_before(now))
