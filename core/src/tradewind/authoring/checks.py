"""Refuse values that cannot be, each in one place: what was given, what is wanted and how to write it.

Every check takes the value and the name of its argument, and returns the value as it is kept. The place is
added by whoever called (:func:`checked`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tradewind.errors import ArgumentError, DefinitionError
from tradewind.model.ids import check_id
from tradewind.model.states import TriggerRule

Check = Callable[[Any, str], Any]
Number = TypeVar("Number", int, float)

_LONGEST = timedelta(days=36525)
_OLD_RULES = {"dummy": TriggerRule.ALWAYS, "none_failed_or_skipped": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` with the closest of the ``known`` names, or nothing."""
    close = difflib.get_close_matches(name, [str(k) for k in known], n=3)
    return f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""


def shown(value: object) -> str:
    """``repr`` of a value, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def checked(check: Check, value: Any, name: str, where: object) -> Any:
    """The value as ``check`` returns it; what it refuses is raised with its place."""
    try:
        return check(value, name)
    except DefinitionError as error:
        if error.where is not None:
            raise
        raise type(error)(str(error), str(where)) from None


def unknown_argument(
    what: str, name: str, known: Iterable[str], where: object, cure: str = ""
) -> ArgumentError:
    """The error for an argument that ``what`` does not take."""
    hint = cure or did_you_mean(name, known) or " Remove it, or check its spelling."
    return ArgumentError(f"{what} takes no argument {name!r}.{hint}", str(where))


def duration(value: Any, name: str) -> timedelta:
    """A ``timedelta`` or a number of seconds, not negative."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            value = timedelta(seconds=value)
        except (OverflowError, ValueError):
            raise DefinitionError(
                f"{name}={shown(value)} is no number of seconds that can be waited for."
            ) from None
    if not isinstance(value, timedelta):
        raise DefinitionError(
            f"{name} is a timedelta or a number of seconds, not {type(value).__name__} ({shown(value)})."
        )
    if value < timedelta(0):
        raise DefinitionError(f"{name}={value} is negative: give a timedelta or seconds of 0 or more.")
    if value > _LONGEST:
        raise DefinitionError(
            f"{name}={value} is longer than a hundred years: give a shorter time, or leave it out."
        )
    return value


def limit(value: Any, name: str) -> timedelta:
    """A duration above 0."""
    given = duration(value, name)
    if not given:
        raise DefinitionError(f"{name}=0 leaves no time at all: give a time above 0, or leave it out.")
    return given


def whole(lowest: int, highest: int = 2**31 - 1) -> Check:
    """A check for whole numbers in a range."""

    def check(value: Any, name: str) -> int:
        if isinstance(value, str) and value.strip().lstrip("+-").isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise DefinitionError(f"{name} is a whole number, not {type(value).__name__} ({shown(value)}).")
        if not lowest <= value <= highest:
            raise DefinitionError(f"{name}={value} is out of range: it must be from {lowest} to {highest}.")
        return value

    return check


def flag(value: Any, name: str) -> bool:
    """``True`` or ``False``."""
    if not isinstance(value, bool):
        raise DefinitionError(f"{name} is True or False, not {shown(value)}.")
    return value


def text(value: Any, name: str) -> str:
    """A ``str``."""
    if not isinstance(value, str):
        raise DefinitionError(f"{name} is text, not {type(value).__name__} ({shown(value)}).")
    return str(value)


def named(kind: str) -> Check:
    """A check for the id of a ``kind`` of thing."""
    return lambda value, name: check_id(kind, value)


def moment(value: Any, name: str) -> datetime:
    """A ``datetime``, with or without a zone."""
    if not isinstance(value, datetime):
        raise DefinitionError(
            f"{name} is a datetime, as in datetime(2024, 1, 31), not {type(value).__name__} ({shown(value)})."
        )
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """A dict whose keys are text."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DefinitionError(f"{name} is a dict with text for keys, not {shown(value)}.")
    return dict(value)


def callbacks(value: Any, name: str) -> Any:
    """A callable, or a list of callables."""
    for call in value if isinstance(value, (list, tuple)) else (value,):
        if not callable(call):
            raise DefinitionError(
                f"{name} is a function that takes the context, or a list of such functions, "
                f"not {shown(call)}. Pass the function itself, without calling it."
            )
    return value


def deadlines(value: Any, name: str) -> list[Any]:
    """A deadline alert, or several."""
    from tradewind.authoring.deadline import DeadlineAlert  # what a DAG file does not use it does not load

    several = list(value) if isinstance(value, (list, tuple)) else [value]
    for one in several:
        if not isinstance(one, DeadlineAlert):
            raise DefinitionError(f"{name} is a DeadlineAlert, or a list of them, not {shown(one)}.")
    return several


def retry_policy(value: Any, name: str) -> Any:
    """A retry policy."""
    from tradewind.authoring.retry_policy import RetryPolicy  # what a DAG file does not use it does not load

    if not isinstance(value, RetryPolicy):
        raise DefinitionError(
            f"{name} is a RetryPolicy, such as ExceptionRetryPolicy([RetryRule(ConnectionError)]), not {shown(value)}."
        )
    return value


def backoff(value: Any, name: str) -> float:
    """``True`` doubles the delay with every try, a number multiplies it, ``False`` or 0 keeps it."""
    if isinstance(value, bool):
        return 2.0 if value else 0.0
    if not isinstance(value, (int, float)) or not 0 <= value <= 1000:
        raise DefinitionError(
            f"{name} is True, False or the factor per try, from 0 to 1000, not {shown(value)}."
        )
    return float(value)


def trigger_rule(value: Any, name: str) -> TriggerRule:
    """A trigger rule by its name; the older names are understood."""
    key = str(value)
    if key in _OLD_RULES:
        return _OLD_RULES[key]
    try:
        return TriggerRule(key)
    except ValueError:
        hint = did_you_mean(key, TriggerRule) or f" Known are {', '.join(TriggerRule)}."
        raise DefinitionError(f"There is no trigger rule {shown(value)}.{hint}") from None


def any_of(*choices: str) -> Check:
    """A check for one of a few words."""

    def check(value: Any, name: str) -> str:
        if str(value) not in choices:
            hint = did_you_mean(str(value), choices)
            raise DefinitionError(
                f"{name} is one of {', '.join(map(repr, choices))}, not {shown(value)}.{hint}"
            )
        return str(value)

    return check
