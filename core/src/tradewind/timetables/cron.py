"""Cron expressions: checked, and walked forwards and backwards in their own time zone.

A cron that runs in every hour of the day goes on through a change of clocks: from one time it is as far to the next as the
wall clock says. Any other keeps to its times of day: what a change of clocks leaves out comes later by the length of the
gap, what comes twice is taken the second time. These are Airflow's rules. By the second, a moment just behind a change of
clocks can have a time ahead of it as its predecessor; whoever asks makes sure that runs go forwards.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind.errors import DefinitionError
from tradewind.timetables.base import OutOfTime
from tradewind.timetables.zones import zone

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

_LONGEST = 1000  # characters; the longest that makes sense lists sixty minutes
_HOUR = timedelta(hours=1)


class Cron:
    """A cron expression in a time zone. Moments are aware, in UTC.

    :raises DefinitionError: where the expression is none.
    """

    def __init__(self, expression: str, timezone: str) -> None:
        from croniter import CroniterError, croniter

        self.zone = zone(timezone)
        text = PRESETS.get(expression, expression)
        if len(text) > _LONGEST:
            raise DefinitionError(f"A cron expression of {len(text)} characters is no schedule.")
        try:
            # Chosen at random, an "R" would be another time in each process.
            if any(field[:1] in "rR" for field in text.split()):
                raise ValueError("R, a time by chance, is not supported")
            self._iterator: Any = croniter(text, datetime(2024, 1, 1))
        except (CroniterError, ValueError, KeyError, TypeError) as error:
            raise DefinitionError(
                f"{expression!r} is no cron expression ({error}). It has five fields: "
                f"minute, hour, day of month, month, day of week."
            ) from None
        self._no_such_date = CroniterError
        self._in_every_hour = self._iterator.expanded[1] == ["*"]

    def after(self, moment: datetime) -> datetime:
        """The first time after ``moment``.

        :raises OutOfTime: where there is none.
        """
        try:
            return self._walked(moment, forwards=True)
        except OverflowError:
            raise OutOfTime from None

    def before(self, moment: datetime) -> datetime:
        """The last time before ``moment``, on the wall.

        :raises OutOfTime: where there is none.
        """
        try:
            return self._walked(moment, forwards=False)
        except OverflowError:
            raise OutOfTime from None

    def at_or_after(self, moment: datetime) -> datetime:
        """``moment`` itself where it is one of the times, else the first after it."""
        following = self.after(moment)
        return moment if self.before(following) == moment else following

    def at_or_before(self, moment: datetime) -> datetime:
        """``moment`` itself where it is one of the times, else the last before it."""
        preceding = self.before(moment)
        return moment if self.after(preceding) == moment else preceding

    def newest_start(self, now: datetime, earliest: datetime | None) -> datetime:
        """Where the newest stretch between two times that has ended by ``now`` begins, wherever the first did."""
        return self.before(self.at_or_before(now))

    # -- inside ----------------------------------------------------------------------------------------------

    def _walked(self, moment: datetime, *, forwards: bool) -> datetime:
        wall = moment.astimezone(self.zone).replace(tzinfo=None)
        found = self._step(wall, forwards=forwards)
        if not self._in_every_hour:
            return self._absolute(found, fold=1)
        if abs(found - wall) <= _HOUR:
            return moment + (found - wall)
        return self._absolute(found, fold=0)  # over days that are left out

    def _step(self, wall: datetime, *, forwards: bool) -> datetime:
        try:
            self._iterator.set_current(wall)
            step = self._iterator.get_next if forwards else self._iterator.get_prev
            found: datetime = step(datetime)
        except (self._no_such_date, OverflowError, ValueError):
            raise OutOfTime from None
        return found

    def _absolute(self, wall: datetime, *, fold: int) -> datetime:
        """A wall-clock time as a moment: inside a gap, shifted by the gap's length; inside a fold, in that pass."""
        first = wall.replace(tzinfo=self.zone, fold=0)
        second = wall.replace(tzinfo=self.zone, fold=1)
        folds = (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta())
        return (second if fold and folds else first).astimezone(UTC)
