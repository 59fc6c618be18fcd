"""The value of one setting: from TOML, from the text of an environment variable, and shown to people."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from tradewind.config.sections import Known, Value
from tradewind.config.toml import Entry
from tradewind.errors import ConfigError

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_WANTED = {
    "text": 'text in double quotes, such as "abc"',
    "integer": "a whole number, such as 16",
    "number": "a number, such as 2.5",
    "boolean": "true or false",
    "path": 'the path of a folder in double quotes, such as "/srv/dags"',
}
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^@]*@")


def from_toml(known: Known, entry: Entry, home: Path) -> Value:
    """The value of an entry of the file.

    :raises ConfigError: naming file and line.
    """
    value = entry.value
    fits = {
        "text": isinstance(value, str),
        "path": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if not fits[known.kind]:
        raise ConfigError(
            f"{entry.place}: {known.name} is {_spoken(known, value)}, and must be {_WANTED[known.kind]}."
        )
    return _checked(known, value, entry.place, home)


def from_text(known: Known, text: str, home: Path) -> Value:
    """The value that an environment variable gives.

    :raises ConfigError: naming the variable.
    """
    place = f"${known.variable}"
    try:
        return _checked(known, _parsed(known, text.strip()), place, home)
    except ValueError:
        wanted = _WANTED[known.kind].replace(" in double quotes", "").replace('"', "")
        raise ConfigError(f"{place}: {known.name} is {_spoken(known, text)}, and must be {wanted}.") from None


def shown(known: Known, value: Value) -> str:
    """The value as people see it: of a secret that there is one, of an address all but the password."""
    if value is None or value == "":
        return ""
    if known.secret:
        text = str(value)
        return _PASSWORD.sub(r"\1:***@", text) if "://" in text else "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parsed(known: Known, text: str) -> Any:
    match known.kind:
        case "boolean":
            if text.lower() in _TRUE:
                return True
            if text.lower() in _FALSE:
                return False
            raise ValueError(text)
        case "integer":
            return int(text)
        case "number":
            return float(text)
    return text


def _checked(known: Known, value: Any, place: str, home: Path) -> Value:
    if known.kind == "number":
        value = float(value)
    if known.choices:
        value = next((choice for choice in known.choices if choice.lower() == value.lower()), value)
        if value not in known.choices:
            raise ConfigError(
                f"{place}: {known.name} is {value!r}, and must be {' or '.join(known.choices)}."
            )
    if known.least is not None and not (math.isfinite(value) and value >= known.least):
        raise ConfigError(f"{place}: {known.name} is {value}, and must be at least {known.least:g}.")
    if known.kind == "path":
        if not value or "\0" in value:
            raise ConfigError(f"{place}: {known.name} is no path. Give it {_WANTED['path']}.")
        return home / Path(value).expanduser()
    if known.name == "core.default_timezone":
        _check_timezone(value, place)
    found: Value = value
    return found


def _check_timezone(name: str, place: str) -> None:
    if name == "UTC":
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except Exception:  # a missing key, a strange path or a folder: ZoneInfo has an error for each
        raise ConfigError(
            f"{place}: core.default_timezone is {name!r}, and must be an IANA name such as Europe/Paris or "
            f"UTC."
        ) from None


def _spoken(known: Known, value: Any) -> str:
    if known.secret:
        return "something else"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
