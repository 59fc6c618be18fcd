"""Timetables without a calendar: a fixed step, once, and without a pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, PlannedRun

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DeltaDataInterval:
    """A run for each stretch of ``seconds``, counted from the start date, started when the stretch has ended.

    Without catch-up, the newest stretch that has ended is counted from 1970, so that it does not depend on when it is asked.
    """

    def __init__(self, seconds: float) -> None:
        if seconds <= 0:
            raise DefinitionError(
                f"A schedule of {seconds:g} seconds never moves on: give a positive timedelta."
            )
        self._step = timedelta(seconds=seconds)

    @property
    def summary(self) -> str:
        """The step."""
        return str(self._step)

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        earliest = bounds.earliest
        if not bounds.catchup:
            newest = now - (now - _EPOCH) % self._step - self._step
            earliest = newest if earliest is None else max(earliest, newest)
        if last is not None:
            start = last.end if earliest is None else max(last.end, earliest)
        elif earliest is None:
            return None
        else:
            start = earliest
        if bounds.latest is not None and start > bounds.latest:
            return None
        return PlannedRun(start + self._step, DataInterval(start, start + self._step))

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The stretch that ends at ``run_after``."""
        return DataInterval(run_after - self._step, run_after)


class Once:
    """A single run at the start date."""

    summary = "@once"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        if last is not None:
            return None
        at = bounds.earliest or now
        if bounds.latest is not None and at > bounds.latest:
            return None
        return PlannedRun(at, DataInterval(at, at))

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The moment itself."""
        return DataInterval(run_after, run_after)


class Unscheduled:
    """No run but those that somebody triggers."""

    summary = "none"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """Never."""
        return None

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The moment itself."""
        return DataInterval(run_after, run_after)
