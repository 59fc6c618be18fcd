"""``@task.run_if`` and ``@task.skip_if``: whether a task runs, decided right before it would."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from tradewind.authoring.checks import callbacks, checked
from tradewind.authoring.decorated import TaskFactory
from tradewind.authoring.places import calling_place
from tradewind.errors import ArgumentError, SkipTask

Condition = Callable[[MutableMapping[str, Any]], Any]


def run_if(condition: Condition, skip_message: str | None = None) -> Callable[[TaskFactory], TaskFactory]:
    """Skip the task unless ``condition(context)`` holds. Goes above ``@task``."""
    return _conditional(condition, skip_message, wanted=True)


def skip_if(condition: Condition, skip_message: str | None = None) -> Callable[[TaskFactory], TaskFactory]:
    """Skip the task where ``condition(context)`` holds. Goes above ``@task``."""
    return _conditional(condition, skip_message, wanted=False)


def _conditional(
    condition: Condition, skip_message: str | None, *, wanted: bool
) -> Callable[[TaskFactory], TaskFactory]:
    name = "run_if" if wanted else "skip_if"
    checked(callbacks, condition, f"The condition of @task.{name}", calling_place())

    def decorate(factory: TaskFactory) -> TaskFactory:
        if not isinstance(factory, TaskFactory):
            raise ArgumentError(
                f"@task.{name} goes above @task (or another task decorator), not directly before a function.",
                str(calling_place()),
            )
        before = factory.kwargs.get("pre_execute")

        def judge(context: MutableMapping[str, Any]) -> None:
            if before is not None:
                before(context)
            if bool(condition(context)) is not wanted:
                raise SkipTask(skip_message or f"The condition of @task.{name} says so.")

        return factory.override(pre_execute=judge)

    return decorate
