"""The timetable that a measured case is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tradewind.timetables import (
    ContinuousTimetable,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
    NullTimetable,
    OnceTimetable,
    Timetable,
)


def timetable_of(case: dict[str, Any]) -> Timetable:
    """Made as an author makes it."""
    expression, zone = case["expr"], case.get("timezone", "UTC")
    interval = timedelta(seconds=case.get("interval_seconds") or 0)
    match case["timetable"]:
        case "cron_interval":
            return CronDataIntervalTimetable(expression, timezone=zone)
        case "cron_trigger":
            return CronTriggerTimetable(expression, timezone=zone, interval=interval)
        case "multi_cron_trigger":
            return MultipleCronTriggerTimetable(*expression, timezone=zone, interval=interval)
        case "delta_interval":
            return DeltaDataIntervalTimetable(_step(expression))
        case "delta_trigger":
            return DeltaTriggerTimetable(_step(expression), interval=interval)
        case "once":
            return OnceTimetable()
        case "continuous":
            return ContinuousTimetable()
        case "null":
            return NullTimetable()
    raise AssertionError(f"an unknown kind of timetable: {case['timetable']}")


def _step(given: Any) -> Any:
    """``["relativedelta", {"months": 1}]``, or the parts of a timedelta alone."""
    kind, parts = ("timedelta", given) if isinstance(given, dict) else given
    if kind == "timedelta":
        return timedelta(**parts)
    from dateutil.relativedelta import relativedelta

    return relativedelta(**parts)
