"""Moments of time as JSON, time zone included. Aware ones come back with Pendulum's time zones."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

from tradewind.serialization.refusals import Refusal

if TYPE_CHECKING:
    import pendulum


def encode_datetime(value: datetime) -> list[Any]:
    """``[wall time with offset, name of its zone or None]``, and a 1 in the second pass of a fold."""
    if value.tzinfo is not None and value.utcoffset() is None:
        raise Refusal(f"has a time zone without an offset ({value.tzinfo!r}): use zoneinfo.ZoneInfo")
    # not value.isoformat(): a subclass may write it in its own way
    return [datetime.isoformat(value), _zone_name(value.tzinfo), *([1] if value.fold else [])]


def encode_time(value: time) -> str:
    """ISO 8601."""
    if value.tzinfo is not None and value.utcoffset() is None:
        raise Refusal("is a time of day in a zone whose offset depends on the day: return a datetime")
    return value.isoformat()


def decode_datetime(parts: list[Any]) -> datetime:
    """What :func:`encode_datetime` was given; the same instant, where the rules of the zone changed since."""
    text, name, *fold = parts
    value = datetime.fromisoformat(text).replace(fold=1 if fold else 0)
    offset = value.utcoffset()
    if offset is None:
        return value
    zone = _zone(name, offset)
    for candidate in (value.fold, 1 - value.fold):
        local = value.replace(tzinfo=zone, fold=candidate)
        if local.utcoffset() == offset:
            return local
    return value.astimezone(zone)


def decode_pendulum(parts: list[Any]) -> pendulum.DateTime:
    """As :func:`decode_datetime`, for a value that was Pendulum's."""
    import pendulum

    value = decode_datetime(parts)
    return pendulum.DateTime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        tzinfo=value.tzinfo,
        fold=value.fold,
    )


def decode_pendulum_date(text: str) -> pendulum.Date:
    """From ISO 8601."""
    import pendulum

    return pendulum.Date.fromisoformat(text)


def _zone_name(zone: tzinfo | None) -> str | None:
    if zone is UTC:
        return "UTC"
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return name if isinstance(name, str) else None


def _zone(name: str | None, offset: timedelta) -> tzinfo:
    import pendulum

    if name:
        try:
            return pendulum.timezone(name)
        except (ValueError, LookupError, OSError):
            pass  # this machine's list of zones lacks it: the offset still tells the instant
    if not offset:
        return pendulum.UTC
    if offset.microseconds:
        return timezone(offset)
    return pendulum.timezone(int(offset.total_seconds()))
