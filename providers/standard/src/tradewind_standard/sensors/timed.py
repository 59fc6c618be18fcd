"""Sensors that wait for a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from tradewind import BaseSensorOperator
from tradewind_standard.triggers.temporal import DateTimeTrigger
from tradewind_standard.weekdays import Days, days_of


class _MomentSensor(BaseSensorOperator):
    """Waits for a moment that is known when it begins.

    :param deferrable: wait without a slot.
    :param start_from_trigger: taken for the sake of DAG files that give it; makes no difference.
    :param end_from_trigger: likewise.
    """

    deferrable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        *,
        deferrable: bool | None = None,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.deferrable = self.deferrable_by_default if deferrable is None else deferrable

    def moment(self, context: MutableMapping[str, Any]) -> datetime:
        """What it waits for."""
        raise NotImplementedError

    def poke(self, context: MutableMapping[str, Any]) -> bool:
        return bool(context["clock"].now() >= self.moment(context))

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        if not self.deferrable:
            return super().execute(context)
        if not self._look(context):
            self.defer(trigger=DateTimeTrigger(self.moment(context)), timeout=timedelta(seconds=self.timeout))
        return None

    def execute_complete(self, context: MutableMapping[str, Any], event: Any = None) -> None:
        """The moment has come."""


class TimeSensor(_MomentSensor):
    """Waits until the clock shows a time, today, in the DAG's time zone.

    :param target_time: a ``datetime.time``.
    """

    def __init__(self, *, target_time: time, **arguments: Any) -> None:
        super().__init__(**arguments)
        if not isinstance(target_time, time):
            raise self._refuse(f"target_time is a datetime.time, not {target_time!r}.")
        self.target_time = target_time

    def moment(self, context: MutableMapping[str, Any]) -> datetime:
        since = context["ti"].start_date  # "today" is the day on which it began to wait
        zone = self.target_time.tzinfo or (self.dag.tzinfo if self.dag is not None else UTC)
        return datetime.combine(since.astimezone(zone).date(), self.target_time.replace(tzinfo=zone))


class TimeDeltaSensor(_MomentSensor):
    """Waits until some time has passed since the end of the run's data interval.

    A run without one counts from the time from which it might start.

    :param delta: a ``timedelta``, or the text of one as in a template: seconds.
    """

    template_fields: Collection[str] = ("delta",)

    def __init__(self, *, delta: timedelta | float | str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.delta = delta

    def moment(self, context: MutableMapping[str, Any]) -> datetime:
        run = context["dag_run"]
        base: datetime = run.data_interval_end or run.run_after
        return base + _duration(self.delta)


class WaitSensor(_MomentSensor):
    """Waits for some time, from its own beginning.

    :param time_to_wait: a ``timedelta``, or minutes.
    """

    def __init__(self, *, time_to_wait: timedelta | int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.time_to_wait = (
            time_to_wait if isinstance(time_to_wait, timedelta) else timedelta(minutes=time_to_wait)
        )

    def moment(self, context: MutableMapping[str, Any]) -> datetime:
        started: datetime = context["ti"].start_date
        return started + self.time_to_wait


class DateTimeSensor(_MomentSensor):
    """Waits for a moment.

    :param target_time: a ``datetime``, or a template that gives one in ISO 8601; without a time zone, in the DAG's.
    """

    template_fields: Collection[str] = ("target_time",)

    def __init__(self, *, target_time: datetime | str, **arguments: Any) -> None:
        super().__init__(**arguments)
        if not isinstance(target_time, (str, datetime)) and not hasattr(target_time, "resolve"):
            raise TypeError(
                f"Expected str or datetime.datetime type for target_time. Got {type(target_time)}"
            )
        self.target_time = target_time

    def moment(self, context: MutableMapping[str, Any]) -> datetime:
        given = self.target_time
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given).strip())
        if found.tzinfo is None:
            found = found.replace(tzinfo=self.dag.tzinfo if self.dag is not None else UTC)
        return found


class TimeSensorAsync(TimeSensor):
    """A :class:`TimeSensor` that waits without a slot."""

    deferrable_by_default = True


class TimeDeltaSensorAsync(TimeDeltaSensor):
    """A :class:`TimeDeltaSensor` that waits without a slot."""

    deferrable_by_default = True


class DateTimeSensorAsync(DateTimeSensor):
    """A :class:`DateTimeSensor` that waits without a slot."""

    deferrable_by_default = True


class DayOfWeekSensor(BaseSensorOperator):
    """Waits until it is one of some days of the week.

    :param week_day: the English name of a day, or several.
    :param use_task_logical_date: look at the run's logical date in place of today's (UTC).
    """

    def __init__(
        self,
        *,
        week_day: Days,
        use_task_logical_date: bool = False,
        use_task_execution_day: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.week_day = week_day
        self.use_task_logical_date = use_task_logical_date or use_task_execution_day
        self._days = days_of(week_day, self)

    def poke(self, context: MutableMapping[str, Any]) -> bool:
        now: Callable[[], datetime] = context["clock"].now
        day: date = context["logical_date"] if self.use_task_logical_date else now()
        return day.isoweekday() in self._days


def _duration(given: Any) -> timedelta:
    return given if isinstance(given, timedelta) else timedelta(seconds=float(given))
