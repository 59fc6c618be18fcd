"""Time zones by name, and names of time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tradewind.errors import DefinitionError


def zone(name: str) -> tzinfo:
    """The time zone of that name, or of a fixed offset written as ``+02:00``.

    :raises DefinitionError: where there is none.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        if name[:1] in "+-" and len(name) == 6:
            offset = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").utcoffset() or timedelta()
            return fixed_zone(offset)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DefinitionError(
            f"There is no time zone {name!r}; write it as in the time zone database, e.g. 'Europe/Amsterdam'."
        ) from None


def timezone_name(zone: tzinfo | str) -> str:
    """The name of a time zone, as in ``"Europe/Amsterdam"`` or ``"+02:00"``.

    :raises DefinitionError: where it has none that could be kept.
    """
    if isinstance(zone, str):
        return zone
    for attribute in ("key", "name", "zone"):
        name = getattr(zone, attribute, None)
        if isinstance(name, str) and name:
            return name
    offset = zone.utcoffset(None)
    if offset is None:
        text = repr(zone)
        raise DefinitionError(
            f"The time zone {text[:80]} does not tell its name: use zoneinfo.ZoneInfo or pendulum.timezone."
        )
    if not offset:
        return "UTC"
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
