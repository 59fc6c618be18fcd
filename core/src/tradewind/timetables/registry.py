"""From the spec of a timetable to the timetable."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tradewind.errors import NotFound
from tradewind.model.spec import TimetableSpec
from tradewind.timetables.base import Timetable
from tradewind.timetables.cron import CronDataInterval
from tradewind.timetables.simple import DeltaDataInterval, Once, Unscheduled

BUILTIN: Mapping[str, Callable[..., Timetable]] = {
    "cron_data_interval": CronDataInterval,
    "delta_data_interval": DeltaDataInterval,
    "once": Once,
}


def resolve(spec: TimetableSpec | None) -> Timetable:
    """The timetable that ``spec`` describes.

    :raises NotFound: where nothing of that name is known.
    """
    if spec is None:
        return Unscheduled()
    make = BUILTIN.get(spec.type)
    if make is None:
        raise NotFound("timetable", spec.type, BUILTIN)
    return make(**spec.args)
