"""Steps from one time to the next: so many seconds, or months and years by the calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind.errors import DefinitionError
from tradewind.timetables.base import OutOfTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = ("years", "months", "days", "seconds")
#: what ``relativedelta`` calls its absolute fields
_FIELDS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=36525)


@dataclass(frozen=True, slots=True)
class Step:
    """A step. Months and years keep to the day of the month, or to its last day where it is shorter; all of it in UTC.

    :param rest: what is added behind the months.
    :param fields: of the result: ``{"day": 31}`` puts it on the last day of the month.
    """

    months: int = 0
    rest: timedelta = timedelta()
    fields: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Step:
        """From a ``timedelta``, a ``relativedelta``, or what :meth:`stored` gave.

        :raises DefinitionError: naming what cannot be kept.
        """
        if isinstance(value, Step):
            return value
        if isinstance(value, timedelta):
            return cls(rest=value)
        if isinstance(value, Mapping):
            unknown = set(value) - {*_PARTS, *_FIELDS}
            if unknown:
                raise DefinitionError(f"A step has no {', '.join(sorted(unknown))}.")
            months = 12 * value.get("years", 0) + value.get("months", 0)
            rest = timedelta(days=value.get("days", 0), seconds=value.get("seconds", 0))
            return cls(months, rest, {name: value[name] for name in _FIELDS if name in value})
        if is_relative(value):
            if value.weekday is not None or value.leapdays:
                raise DefinitionError(
                    f"{value!r} moves by weekdays or leap days, which no schedule can: write it as a cron, such as "
                    f"'0 0 * * MON#1' for the first Monday of each month."
                )
            parts = {
                name: getattr(value, name) for name in ("days", "hours", "minutes", "seconds", "microseconds")
            }
            given = {name: getattr(value, name) for name in _FIELDS if getattr(value, name) is not None}
            return cls(12 * value.years + value.months, timedelta(**parts), given)
        raise DefinitionError(f"{value!r} is no step of time: give a timedelta or a relativedelta.")

    @classmethod
    def for_schedule(cls, value: Any) -> Step:
        """A step that a schedule can be made of.

        :raises DefinitionError: where it does not lead forwards, or is no sensible one.
        """
        step = cls.of(value)
        start = datetime(2024, 1, 31, tzinfo=UTC)
        length = step._moved(start, 1) - start
        if length <= timedelta():
            raise DefinitionError(f"A schedule of {step} never moves on: give a time above 0.")
        if length < _SHORTEST:
            raise DefinitionError(
                f"A schedule of {step} is too short: give a second at least, or '@continuous' for a run after the other."
            )
        if length > _LONGEST:
            raise DefinitionError(f"A schedule of {step} is too long: give a hundred years at most.")
        return step

    @classmethod
    def for_interval(cls, value: Any) -> Step:
        """A step that a data interval can be as long as.

        :raises DefinitionError: where it leads back.
        """
        step = cls.of(value)
        start = datetime(2024, 1, 31, tzinfo=UTC)
        if step._moved(start, 1) < start:
            raise DefinitionError(
                f"An interval of {step} ends before it begins: give a time that is not below 0."
            )
        return step

    def stored(self) -> dict[str, Any]:
        """As plain JSON values."""
        if not self.months and not self.fields:
            return {"seconds": self.rest.total_seconds()}
        years, months = divmod(abs(self.months), 12)
        sign = -1 if self.months < 0 else 1
        rest = {
            "days": self.rest.days,
            "seconds": (self.rest - timedelta(days=self.rest.days)).total_seconds(),
        }
        parts = {"years": sign * years, "months": sign * months, **rest}
        return {**{name: value for name, value in parts.items() if value}, **self.fields}

    def __str__(self) -> str:
        if not self.months and not self.fields:
            return str(self.rest)
        return ", ".join(f"{name}={value:g}" for name, value in self.stored().items())

    # -- as the cron's walk -----------------------------------------------------------------------------------

    def after(self, moment: datetime) -> datetime:
        """A step further.

        :raises OutOfTime: where the calendar ends, or the step leads nowhere.
        """
        found = self._moved(moment, 1)
        if found <= moment:
            raise OutOfTime
        return found

    def before(self, moment: datetime) -> datetime:
        """A step back."""
        return self._moved(moment, -1)

    def at_or_after(self, moment: datetime) -> datetime:
        """The moment: a step can be taken from anywhere."""
        return moment

    def at_or_before(self, moment: datetime) -> datetime:
        """The moment."""
        return moment

    def newest_start(self, now: datetime, earliest: datetime | None) -> datetime:
        """Where the newest stretch that has ended by ``now`` begins.

        Months and years are counted from ``earliest``. All else is counted from 1970 (as are months, of 30 days, where
        nothing says where to begin), so that it does not depend on when it is asked.
        """
        if self.months and earliest is not None:
            start, end = earliest, self.after(earliest)
            while (following := self.after(end)) <= now:
                start, end = end, following
            return start
        years, months = divmod(self.months, 12)
        length = self.rest + timedelta(days=365 * years + 30 * months)
        try:
            return self.before(now - (now - _EPOCH) % length)
        except OverflowError:
            raise OutOfTime from None

    def _moved(self, moment: datetime, sign: int) -> datetime:
        try:
            if self.months or self.fields:
                wanted = dict(self.fields)
                year, month = wanted.pop("year", moment.year), wanted.pop("month", moment.month)
                year, month = divmod(12 * year + month - 1 + sign * self.months, 12)
                last = monthrange(year, month + 1)[1]
                day = min(wanted.pop("day", moment.day), last)
                moment = moment.replace(year=year, month=month + 1, day=day, **wanted)  # type: ignore[arg-type]
            return moment + sign * self.rest
        except (OverflowError, ValueError):
            raise OutOfTime from None


def is_relative(value: Any) -> bool:
    """Whether it is a ``relativedelta``, without importing what that comes from."""
    return all(hasattr(value, name) for name in ("years", "months", "leapdays", "weekday", *_FIELDS))
