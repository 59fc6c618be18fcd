"""Dates in the forms that templates use, and the moments of the schedule before and after a run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tradewind.errors import NotFound
from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec

if TYPE_CHECKING:
    import pendulum

#: crons whose moments are all equally far from each other, as is plain to see
_EVEN = (
    (re.compile(r"@hourly|\d+ \* \* \* \*"), timedelta(hours=1)),
    (re.compile(r"@daily|@midnight|\d+ \d+ \* \* \*"), timedelta(days=1)),
    (re.compile(r"@weekly|\d+ \d+ \* \* \d"), timedelta(days=7)),
)


def to_pendulum(moment: datetime) -> pendulum.DateTime:
    """The same moment in UTC, with Pendulum's methods."""
    import pendulum

    at = moment.astimezone(UTC)
    return pendulum.DateTime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=pendulum.UTC
    )


def ds(moment: datetime | None) -> str:
    """``2024-02-29``; nothing for nothing."""
    return moment.strftime("%Y-%m-%d") if moment else ""


def ds_nodash(moment: datetime | None) -> str:
    """``20240229``."""
    return moment.strftime("%Y%m%d") if moment else ""


def ts(moment: datetime | None) -> str:
    """``2024-02-29T13:45:10.123456+00:00``."""
    return moment.isoformat() if moment else ""


def ts_nodash(moment: datetime | None) -> str:
    """``20240229T134510``."""
    return moment.strftime("%Y%m%dT%H%M%S") if moment else ""


def ts_nodash_with_tz(moment: datetime | None) -> str:
    """``20240229T134510.123456+0000``."""
    return moment.isoformat().replace("-", "").replace(":", "") if moment else ""


def next_moment(
    logical: datetime, interval: DataInterval | None, timetable: TimetableSpec | None
) -> datetime:
    """What Airflow 2 called the next execution date: the end of the data interval."""
    if timetable is None or interval is None or interval.end <= interval.start:
        return logical
    return interval.end


def previous_moment(
    logical: datetime, interval: DataInterval | None, timetable: TimetableSpec | None
) -> datetime:
    """What Airflow 2 called the previous execution date: the schedule's last moment before the logical date."""
    if timetable is None:
        return logical
    seconds = timetable.args.get("seconds")
    if isinstance(seconds, (int, float)):
        return logical - timedelta(seconds=seconds)
    if interval is not None and interval.start == logical and _is_even(timetable, interval.end - logical):
        return logical - (interval.end - interval.start)
    from tradewind.timetables import resolve

    try:
        before = resolve(timetable).moment_before(logical)
    except NotFound:  # a plugin's timetable knows no moments but those of its runs
        return logical
    return logical if before is None else min(before, logical)


def _is_even(timetable: TimetableSpec, length: timedelta) -> bool:
    """Whether all intervals have this length, without a parser of cron strings, whose import takes milliseconds."""
    cron = timetable.args.get("cron")
    if not isinstance(cron, str) or timetable.args.get("timezone", "UTC") != "UTC":
        return False
    return any(length == period and form.fullmatch(cron) for form, period in _EVEN)
