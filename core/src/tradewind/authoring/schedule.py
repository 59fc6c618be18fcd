"""What an author writes as ``schedule=`` becomes the spec of a timetable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from tradewind.authoring.checks import did_you_mean, shown
from tradewind.errors import DefinitionError
from tradewind.model.assets import AssetCondition
from tradewind.model.spec import TimetableSpec
from tradewind.timetables import (
    ContinuousTimetable,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    NullTimetable,
    OnceTimetable,
    Timetable,
)
from tradewind.timetables.cron import PRESETS
from tradewind.timetables.step import is_relative

_WORDS = {"@once": OnceTimetable().spec(), "@continuous": ContinuousTimetable().spec()}


def split_schedule(schedule: Any) -> tuple[AssetCondition | None, Any]:
    """What a schedule says of assets, and what it says of time (see :mod:`tradewind.authoring.assets`)."""
    if isinstance(schedule, (list, tuple, set, frozenset)) and schedule:
        conditions = [_condition(it) for it in schedule]
        if all(conditions):
            members = tuple(it for it in conditions if it is not None)
            # A set has no order of its own: sorted, so that the same file always makes the same spec.
            ordered = sorted(members, key=repr) if isinstance(schedule, (set, frozenset)) else members
            return (
                members[0] if len(members) == 1 else AssetCondition(op="all", members=tuple(ordered))
            ), None
    condition = _condition(schedule)
    return condition, schedule if condition is None else getattr(schedule, "timetable", None)


def _condition(schedule: Any) -> AssetCondition | None:
    found = schedule.condition() if callable(getattr(schedule, "condition", None)) else None
    return found if isinstance(found, AssetCondition) else None


def timetable_of(schedule: Any, timezone: str) -> TimetableSpec | None:
    """The timetable that ``schedule`` stands for; ``None``: runs only when triggered.

    :raises DefinitionError: naming what was given and what is understood.
    """
    if schedule is None or isinstance(schedule, NullTimetable):
        return None
    if isinstance(schedule, str):
        return _of_text(schedule, timezone)
    if isinstance(schedule, timedelta) or is_relative(schedule):
        return DeltaDataIntervalTimetable(schedule).spec()
    if isinstance(schedule, Timetable):
        schedule = schedule.in_zone(timezone)
    spec = schedule.spec() if callable(getattr(schedule, "spec", None)) else None
    if isinstance(spec, TimetableSpec):
        return spec
    raise DefinitionError(
        f"schedule={shown(schedule)} is not understood: give None, a cron string, a preset "
        f"({', '.join([*PRESETS, *_WORDS])}), a timedelta, a relativedelta, a timetable or assets."
    )


def _of_text(schedule: str, timezone: str) -> TimetableSpec:
    if schedule in _WORDS:
        return _WORDS[schedule]
    try:
        return CronDataIntervalTimetable(schedule, timezone).spec()
    except DefinitionError:
        if not schedule.startswith("@"):
            raise
        known = [*PRESETS, *_WORDS]
        hint = did_you_mean(schedule, known) or f" Known are {', '.join(known)}."
        raise DefinitionError(f"There is no schedule {shown(schedule)}.{hint}") from None


def at_trigger_times(schedule: Any, timezone: str, *, crons: bool, deltas: bool) -> TimetableSpec | None:
    """The timetable of a bare cron or step where these are set to mean trigger times; ``None`` for anything else.

    :param crons: whether crons and presets are; likewise ``deltas``.
    """
    if crons and isinstance(schedule, str) and schedule not in _WORDS:
        return CronTriggerTimetable(schedule, timezone=timezone).spec()
    if deltas and (isinstance(schedule, timedelta) or is_relative(schedule)):
        return DeltaTriggerTimetable(schedule).spec()
    return None


def in_utc(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """The moment in UTC; one without a zone is taken in ``zone``."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    try:
        utc = aware.astimezone(UTC)
    except OverflowError:
        raise DefinitionError(
            f"The date {moment.isoformat()} has no place in the calendar in UTC: "
            f"give a date inside the years 1 to 9999."
        ) from None
    # A plain datetime, whatever subclass the author used.
    return datetime(
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC
    )
