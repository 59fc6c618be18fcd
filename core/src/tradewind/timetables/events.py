"""A timetable of listed moments."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, PlannedRun, Timetable


class EventsTimetable(Timetable):
    """A run at each of the listed moments.

    Without catch-up, of the moments that have passed since the last run only the newest is made up for; a DAG that never ran
    begins with the first that is still to come.

    :param event_dates: aware moments, in any order; twins count once.
    :param restrict_to_events: whether a run that somebody triggers is about the newest event, and not about its own moment.
    :param presorted: accepted for the sake of existing files; they are sorted all the same.
    :param description: the schedule in a few words, for lists.
    :raises DefinitionError: for a moment without a time zone.
    """

    name: ClassVar[str] = "events"

    def __init__(
        self,
        event_dates: Iterable[datetime | str],
        restrict_to_events: bool = False,
        presorted: bool = False,
        description: str | None = None,
    ) -> None:
        self.event_dates = sorted({_moment(event) for event in event_dates})
        self.restrict_to_events = restrict_to_events
        self.description = description

    @property
    def summary(self) -> str:
        """Its description, or how many there are."""
        return self.description or f"{len(self.event_dates)} events"

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """See :class:`tradewind.timetables.base.Timetable`."""
        earliest = bounds.earliest
        if not bounds.catchup:
            earliest = now if earliest is None else max(earliest, now)
        position = 0 if earliest is None else bisect_left(self.event_dates, earliest)
        if last is not None:
            unseen = bisect_right(self.event_dates, last.end)
            passed = bisect_right(self.event_dates, now)
            # Since the last run, the newest event that has passed is still due.
            position = passed - 1 if not bounds.catchup and unseen < passed else max(position, unseen)
        if position >= len(self.event_dates):
            return None
        event = self.event_dates[position]
        if bounds.latest is not None and event > bounds.latest:
            return None
        return PlannedRun.over(event, event)

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The moment itself, or the newest event by then (the first where all are to come)."""
        if self.restrict_to_events and self.event_dates:
            run_after = self.event_dates[max(bisect_right(self.event_dates, run_after) - 1, 0)]
        return DataInterval(run_after, run_after)

    def serialize(self) -> dict[str, Any]:
        """See :class:`tradewind.timetables.base.Timetable`."""
        return {
            "event_dates": [event.isoformat() for event in self.event_dates],
            "restrict_to_events": self.restrict_to_events,
            "description": self.description,
        }


def _moment(event: datetime | str) -> datetime:
    moment = datetime.fromisoformat(event) if isinstance(event, str) else event
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise DefinitionError(
            f"EventsTimetable: {event!r} is no moment with a time zone: give e.g. datetime(2030, 7, 1, 20, tzinfo=UTC)."
        )
    utc = moment.astimezone(UTC)
    # A plain datetime, whatever subclass the author used.
    return datetime(
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC
    )
