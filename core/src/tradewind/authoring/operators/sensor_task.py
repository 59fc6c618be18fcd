"""``@task.sensor``: the function is called until it returns something true."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tradewind.authoring.decorated import DecoratedOperator, TaskDecorator, make_task_decorator
from tradewind.authoring.sensor import BaseSensorOperator


class SensorTask(DecoratedOperator, BaseSensorOperator):
    """What ``@task.sensor`` makes; a :class:`tradewind.PokeReturnValue` gives it an output."""

    custom_operator_name = "@task.sensor"

    def poke(self, context: MutableMapping[str, Any]) -> Any:
        return self.call(context)


sensor_task: TaskDecorator = make_task_decorator(SensorTask)
