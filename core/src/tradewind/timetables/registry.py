"""From the spec of a timetable to the timetable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tradewind.errors import NotFound
from tradewind.model.spec import TimetableSpec
from tradewind.timetables.base import Timetable
from tradewind.timetables.events import EventsTimetable
from tradewind.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from tradewind.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from tradewind.timetables.trigger import (
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)

#: by the name that is stored; what is not among them belongs to a plugin, and is never asked by the scheduler itself
BUILTIN: Final[Mapping[str, type[Timetable]]] = {
    kind.name: kind
    for kind in (
        CronDataIntervalTimetable,
        CronTriggerTimetable,
        MultipleCronTriggerTimetable,
        DeltaDataIntervalTimetable,
        DeltaTriggerTimetable,
        EventsTimetable,
        OnceTimetable,
        ContinuousTimetable,
        NullTimetable,
    )
}


def resolve(spec: TimetableSpec | None) -> Timetable:
    """The timetable that ``spec`` describes.

    :raises NotFound: where nothing of that name is known.
    """
    if spec is None:
        return NullTimetable()
    kind = BUILTIN.get(spec.type)
    if kind is None:
        raise NotFound("timetable", spec.type, BUILTIN)
    return kind.deserialize(spec.args)
