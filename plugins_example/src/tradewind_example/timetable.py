"""When the tide is high."""

from __future__ import annotations

from datetime import datetime, timedelta

from tradewind.model.spec import TimetableSpec

TIDE = timedelta(hours=12, minutes=25)  #: mean time between two high tides: half a lunar day


class HighTide:
    """Runs at every high tide after the first.

    :param first: a moment of high tide, aware.
    """

    def __init__(self, first: datetime) -> None:
        self.first = first

    def spec(self) -> TimetableSpec:
        """What is stored of it."""
        return TimetableSpec(type="high_tide", args={"first": self.first.isoformat()})

    def next_after(self, moment: datetime) -> datetime:
        """The first high tide after ``moment``."""
        return self.first + ((moment - self.first) // TIDE + 1) * TIDE
