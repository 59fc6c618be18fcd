"""Sensors: tasks that look again and again until something is there."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import Any, NoReturn, TypeVar, Unpack

from tradewind.authoring.arguments import TaskArguments
from tradewind.authoring.operator import BaseOperator
from tradewind.authoring.signals import RescheduleTask, TaskDeferred
from tradewind.errors import (
    DefinitionError,
    FailTask,
    SensorTimeout,
    SkipTask,
    TaskDeferralTimeout,
    TaskTimeout,
)

DEFAULT_TIMEOUT = 7 * 24 * 3600.0  #: seconds
_LONGEST = timedelta.max.total_seconds() - 1

#: what ``soft_fail`` turns into a skip; an error of any other kind fails the sensor all the same
_SOFT = (SensorTimeout, TaskTimeout, FailTask)

log = logging.getLogger("tradewind.sensor")


class SensorArguments(TaskArguments, total=False):
    """What every sensor takes, beside its own arguments and those of every operator."""

    task_id: str
    poke_interval: timedelta | float
    timeout: timedelta | float | None
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class PokeReturnValue:
    """What :meth:`BaseSensorOperator.poke` may return: whether it is there, and the sensor's output if it is."""

    def __init__(self, is_done: bool, xcom_value: Any = None) -> None:
        self.is_done = is_done
        self.xcom_value = xcom_value

    def __bool__(self) -> bool:
        return self.is_done


class BaseSensorOperator(BaseOperator):
    """Calls :meth:`poke` until it returns something true.

    :param poke_interval: seconds, or a ``timedelta``, between looks.
    :param timeout: seconds, or a ``timedelta``, from the first look of a try, over all that follow; then the sensor fails,
        and is not tried again. A week unless said otherwise.
    :param soft_fail: skip in place of failing when the timeout is over, or ``poke`` raises
        :class:`tradewind.FailTask`. Not together with ``never_fail``.
    :param mode: ``"poke"`` keeps its slot and sleeps between looks; ``"reschedule"`` gives it back.
    :param exponential_backoff: wait twice as long after each look, give or take.
    :param max_wait: never longer than this.
    :param silent_fail: what ``poke`` raises is logged, and means "not there yet".
    :param never_fail: whatever ``poke`` raises, the sensor is skipped.
    """

    ui_color = "#e6f1f2"
    valid_modes: tuple[str, ...] = ("poke", "reschedule")

    def __init__(
        self,
        *,
        task_id: str,
        poke_interval: timedelta | float = 60.0,
        timeout: timedelta | float | None = None,
        soft_fail: bool = False,
        mode: str = "poke",
        exponential_backoff: bool = False,
        max_wait: timedelta | float | None = None,
        silent_fail: bool = False,
        never_fail: bool = False,
        **arguments: Unpack[TaskArguments],
    ) -> None:
        super().__init__(task_id=task_id, **arguments)
        if soft_fail and never_fail:
            raise self._refuse(
                "soft_fail and never_fail are mutually exclusive, you can not provide both: choose one."
            )
        self.poke_interval = self._seconds("poke_interval", poke_interval)
        self.timeout = DEFAULT_TIMEOUT if timeout is None else self._seconds("timeout", timeout)
        self.max_wait = None if max_wait is None else self._seconds("max_wait", max_wait)
        if mode not in self.valid_modes:
            raise self._refuse(f"The mode must be one of {list(self.valid_modes)}; received {mode!r}.")
        self.soft_fail = soft_fail
        self.mode = mode
        self.exponential_backoff = exponential_backoff
        self.silent_fail = silent_fail
        self.never_fail = never_fail

    def _seconds(self, name: str, value: Any) -> float:
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            raise self._refuse(
                f"Operator arg `{name}` must be timedelta object or a non-negative number, not {value!r}."
            )
        return value

    def _refuse(self, message: str) -> DefinitionError:
        return DefinitionError(f"{type(self).__name__} {self.task_id!r}: {message}", str(self.place))

    @property
    def reschedule(self) -> bool:
        """Whether it gives its slot back between looks."""
        return self.mode == "reschedule"

    def poke(self, context: MutableMapping[str, Any]) -> bool | PokeReturnValue | Any:
        """Look once: something true ends the sensor; :class:`PokeReturnValue` gives it an output."""
        raise NotImplementedError(f"{type(self).__name__} has no poke(context) method: write one.")

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Look until it is there.

        :raises SensorTimeout: where ``timeout`` is over first.
        """
        elapsed = self._stopwatch(context)
        pokes = context["ti"].rounds + 1 if self.reschedule else 1
        while not (found := self._look(context)):
            if elapsed() > self.timeout:
                message = f"The sensor has looked for {elapsed():.1f} s, longer than its timeout of {self.timeout:g} s"
                raise SkipTask(message) if self.soft_fail else SensorTimeout(message)
            pause = self._pause(pokes, elapsed(), context)
            if self.reschedule:
                raise RescheduleTask(context["clock"].now() + timedelta(seconds=pause))
            time.sleep(pause)
            pokes += 1
        log.info("It is there.")
        return found.xcom_value if isinstance(found, PokeReturnValue) else None

    def resume_execution(
        self, next_method: str, next_kwargs: Mapping[str, Any] | None, context: MutableMapping[str, Any]
    ) -> Any:
        try:
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except TaskDeferralTimeout as error:
                raise SensorTimeout(str(error)) from error
        except (SkipTask, TaskDeferred, RescheduleTask):
            raise
        except (Exception, TaskTimeout) as error:
            self._give_up(error)

    def _look(self, context: MutableMapping[str, Any]) -> Any:
        try:
            return self.poke(context)
        except (SkipTask, TaskDeferred, RescheduleTask):
            raise
        except (Exception, TaskTimeout) as error:
            if self.silent_fail and not isinstance(error, _SOFT):
                log.error("The look failed, which counts as not there yet:", exc_info=error)
                return False
            self._give_up(error)

    def _give_up(self, error: BaseException) -> NoReturn:
        """Fail, or skip where that was asked for."""
        if self.soft_fail and isinstance(error, _SOFT):
            raise SkipTask(f"soft_fail: {error}") from error
        if self.never_fail:
            raise SkipTask(f"never_fail: {type(error).__name__}: {error}") from error
        raise error

    def _stopwatch(self, context: MutableMapping[str, Any]) -> Any:
        """Seconds since the first look of this try: by the time of day where other looks were in other processes."""
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        if first is not None:
            clock = context["clock"]
            return lambda: (clock.now() - first).total_seconds()
        began = time.monotonic()
        return lambda: time.monotonic() - began

    def _pause(self, pokes: int, elapsed: float, context: MutableMapping[str, Any]) -> float:
        """Seconds until the next look, after so many.

        With back-off, from ``b = max(poke_interval * 2 ** (pokes - 2), 1)`` up to twice that, its place there being a
        hash, so that sensors that began together do not look together; never beyond the timeout.
        """
        if not self.exponential_backoff:
            return self.poke_interval
        base = max(int(min(self.poke_interval * 2.0 ** min(pokes - 2, 1000), _LONGEST / 2)), 1)
        seed = f"{self.dag_id}#{self.task_id}#{context['ti'].run_id}#{pokes}"
        place = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % base
        pause = min(float(base + place), max(self.timeout - int(elapsed), 0.0))
        pause = pause if self.max_wait is None else min(pause, self.max_wait)
        log.info("It looks again in %g s.", pause)
        return pause


_Sensor = TypeVar("_Sensor", bound=type[BaseSensorOperator])


def poke_mode_only(sensor: _Sensor) -> _Sensor:
    """For sensors that keep something between looks: refuses every mode but ``"poke"``."""
    sensor.valid_modes = ("poke",)
    return sensor
