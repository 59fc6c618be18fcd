"""When the tide is high."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from tradewind.model.run import DataInterval
from tradewind.timetables import Bounds, PlannedRun, Timetable

TIDE = timedelta(hours=12, minutes=25)  #: mean time between two high tides: half a lunar day


class HighTide(Timetable):
    """Runs at every high tide after the first, about the time since the one before.

    :param first: a moment of high tide, aware; or as text, as it is stored.
    """

    name: ClassVar[str] = "high_tide"

    def __init__(self, first: datetime | str) -> None:
        self.first = datetime.fromisoformat(first) if isinstance(first, str) else first

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.Timetable`."""
        start = self.first
        if bounds.earliest is not None:
            start = max(start, self._tide_by(bounds.earliest - timedelta.resolution) + TIDE)
        if not bounds.catchup:
            start = max(start, self._tide_by(now) - TIDE)
        if last is not None:
            start = max(start, last.end)
        if bounds.latest is not None and start > bounds.latest:
            return None
        return PlannedRun.over(start, start + TIDE)

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """Between the last two high tides."""
        end = self._tide_by(run_after)
        return DataInterval(end - TIDE, end)

    def serialize(self) -> dict[str, Any]:
        """Its arguments, as :meth:`__init__` takes them."""
        return {"first": self.first.isoformat()}

    def _tide_by(self, moment: datetime) -> datetime:
        """The last high tide that is not after ``moment``."""
        return self.first + (moment - self.first) // TIDE * TIDE
