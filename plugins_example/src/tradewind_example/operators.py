"""An operator, and a decorator for ``@task.fahrenheit``."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tradewind import BaseOperator
from tradewind.authoring import DecoratedOperator, make_task_decorator
from tradewind.authoring.decorated import TaskDecorator


def to_fahrenheit(celsius: float) -> float:
    """Degrees Celsius in Fahrenheit."""
    return celsius * 9 / 5 + 32


class MeasureOperator(BaseOperator):
    """Takes the temperature of a town.

    :param town: whose, a template.
    """

    template_fields = ("town",)

    def __init__(self, *, town: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.town = town

    def execute(self, context: MutableMapping[str, Any]) -> float:
        return float(len(self.town))


class FahrenheitTask(DecoratedOperator):
    """Calls the function and gives its result, degrees Celsius, in Fahrenheit."""

    custom_operator_name = "@task.fahrenheit"

    def execute(self, context: MutableMapping[str, Any]) -> float:
        return to_fahrenheit(self.call(context))


fahrenheit_task: TaskDecorator = make_task_decorator(FahrenheitTask)
