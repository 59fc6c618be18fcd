"""Branches that choose by the clock or the calendar."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tradewind import BaseBranchOperator
from tradewind.errors import ArgumentError
from tradewind_standard.weekdays import Days, days_of

Choice = str | Iterable[str]


class _CalendarBranch(BaseBranchOperator):
    """Follows one of two ways, as a moment lies: the one at which the task starts, or the run's logical date.

    Days and times of day are those of the DAG's time zone.

    :param follow_task_ids_if_true: the id or ids of what goes on where the moment fits; ``follow_task_ids_if_false``: else.
    :param use_task_logical_date: go by the logical date of the run (where it has none, by the time from which it may
        run), so that a run that goes again chooses the same.
    """

    def __init__(
        self,
        *,
        follow_task_ids_if_true: Choice,
        follow_task_ids_if_false: Choice,
        use_task_logical_date: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.use_task_logical_date = use_task_logical_date

    def choose_branch(self, context: MutableMapping[str, Any]) -> Choice:
        run = context["dag_run"]
        at = run.logical_date or run.run_after if self.use_task_logical_date else context["ti"].start_date
        fits = self.fits(at.astimezone(self._zone))
        return self.follow_task_ids_if_true if fits else self.follow_task_ids_if_false

    def fits(self, moment: datetime) -> bool:
        """Whether the moment, in the DAG's time zone, is one of those that are meant."""
        raise NotImplementedError

    @property
    def _zone(self) -> tzinfo:
        return ZoneInfo(self.dag.timezone if self.dag is not None else "UTC")


class BranchDateTimeOperator(_CalendarBranch):
    """Follows one of two ways, as the moment lies between two dates, or two times of day.

    Two times of day of which the second is the earlier one stand for a night: 22:00 to 02:00 holds at 01:00.

    :param target_lower: from when on; ``None``: from ever. A date without a time zone is one of the DAG's.
    :param target_upper: until when; ``None``: for ever.
    """

    def __init__(
        self,
        *,
        target_lower: datetime | time | None,
        target_upper: datetime | time | None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        if target_lower is None and target_upper is None:
            raise ArgumentError(
                f"BranchDateTimeOperator {self.task_id!r} has neither target_lower nor target_upper: give one of them.",
                str(self.place),
            )
        self.target_lower = target_lower
        self.target_upper = target_upper

    def fits(self, moment: datetime) -> bool:
        """Whether it lies between the two."""
        lower, upper = self.target_lower, self.target_upper
        after = lower is None or self._on_day_of(moment, lower) <= moment
        before = upper is None or moment <= self._on_day_of(moment, upper)
        if isinstance(lower, time) and isinstance(upper, time) and upper < lower:
            return after or before
        return after and before

    def _on_day_of(self, moment: datetime, target: datetime | time) -> datetime:
        if isinstance(target, time):
            target = datetime.combine(moment.date(), target)
        return target if target.tzinfo is not None else target.replace(tzinfo=self._zone)


class BranchDayOfWeekOperator(_CalendarBranch):
    """Follows one of two ways, as the moment falls on a day of the week.

    :param week_day: a day or several: ``"Monday"``, ``{WeekDay.SATURDAY, WeekDay.SUNDAY}``.
    """

    def __init__(self, *, week_day: Days, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.week_day = days_of(week_day, self)

    def fits(self, moment: datetime) -> bool:
        """Whether it falls on one of the days."""
        return moment.isoweekday() in self.week_day
