"""What an author writes as ``schedule=`` becomes the spec of a timetable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from tradewind.authoring.checks import did_you_mean, shown
from tradewind.errors import DefinitionError
from tradewind.model.assets import AssetCondition
from tradewind.model.spec import TimetableSpec
from tradewind.timetables.cron import PRESETS, check_cron

_WORDS = {"@once": TimetableSpec(type="once"), "@continuous": TimetableSpec(type="continuous")}


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
    if schedule is None:
        return None
    if isinstance(schedule, str):
        return _of_text(schedule, timezone)
    if isinstance(schedule, timedelta):
        if schedule <= timedelta(0):
            raise DefinitionError(f"schedule=timedelta of {schedule} never moves on: give a time above 0.")
        return TimetableSpec(type="delta_data_interval", args={"seconds": schedule.total_seconds()})
    spec = schedule.spec() if callable(getattr(schedule, "spec", None)) else None
    if isinstance(spec, TimetableSpec):
        return spec
    raise DefinitionError(
        f"schedule={shown(schedule)} is not understood: give None, a cron string, a preset "
        f"({', '.join([*PRESETS, *_WORDS])}), a timedelta, a timetable or assets."
    )


def _of_text(schedule: str, timezone: str) -> TimetableSpec:
    if schedule in _WORDS:
        return _WORDS[schedule]
    if schedule.startswith("@") and schedule not in PRESETS:
        known = [*PRESETS, *_WORDS]
        hint = did_you_mean(schedule, known) or f" Known are {', '.join(known)}."
        raise DefinitionError(f"There is no schedule {shown(schedule)}.{hint}")
    if schedule not in PRESETS:
        check_cron(schedule)
    return TimetableSpec(type="cron_data_interval", args={"cron": schedule, "timezone": timezone})


def timezone_name(zone: tzinfo) -> str:
    """The name of a time zone, as in ``"Europe/Amsterdam"`` or ``"+02:00"``.

    :raises DefinitionError: where it has none that could be kept.
    """
    for attribute in ("key", "name", "zone"):
        name = getattr(zone, attribute, None)
        if isinstance(name, str) and name:
            return name
    offset = zone.utcoffset(None)
    if offset is None:
        raise DefinitionError(
            f"The time zone {shown(zone)} does not tell its name: use zoneinfo.ZoneInfo or pendulum.timezone."
        )
    if not offset:
        return "UTC"
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


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
