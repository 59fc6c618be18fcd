"""Days of the week, as DAG files name them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from tradewind import BaseOperator
from tradewind.errors import ArgumentError


class WeekDay(IntEnum):
    """The days of the week, numbered as in ISO 8601."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


Days = str | WeekDay | Iterable[str | WeekDay]  #: a day or several: by English names, or as :class:`WeekDay`


def days_of(week_day: Days, operator: BaseOperator) -> frozenset[WeekDay]:
    """The days that were given to an operator.

    :raises ArgumentError: naming the operator and its place, where something else was given.
    """
    if isinstance(week_day, str) or not isinstance(week_day, Iterable):
        return frozenset({_day(week_day, operator)})
    return frozenset(_day(one, operator) for one in week_day)


def _day(given: Any, operator: BaseOperator) -> WeekDay:
    name = given.strip().upper() if isinstance(given, str) else getattr(given, "name", None)
    found = WeekDay.__members__.get(str(name))
    if found is not None:
        return found
    raise ArgumentError(
        f"{type(operator).__name__} {operator.task_id!r}: {given!r} is no day of the week; write Monday to Sunday.",
        str(operator.place),
    )
