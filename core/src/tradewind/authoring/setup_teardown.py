"""``@setup`` and ``@teardown``: functions whose tasks make something for others, and take it away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradewind.authoring.checks import shown
from tradewind.authoring.decorated import TaskFactory
from tradewind.authoring.group import GroupFactory
from tradewind.authoring.places import calling_place
from tradewind.authoring.setups import as_setup, as_teardown
from tradewind.authoring.taskflow import task as task_decorator
from tradewind.errors import ArgumentError

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator


def setup(given: Callable[..., Any] | TaskFactory) -> Any:
    """Make each task of a function a setup: ``@setup`` above ``@task``, or alone."""
    return _marked(given, "setup", as_setup)


def teardown(
    given: Callable[..., Any] | TaskFactory | None = None, *, on_failure_fail_dagrun: bool = False
) -> Any:
    """Make each task of a function a teardown: ``@teardown`` above ``@task``, or alone.

    :param on_failure_fail_dagrun: whether the run fails where the teardown does.
    """
    if given is None:
        return lambda decorated: teardown(decorated, on_failure_fail_dagrun=on_failure_fail_dagrun)
    return _marked(given, "teardown", lambda task: as_teardown(task, None, on_failure_fail_dagrun))


def _marked(given: Any, name: str, mark: Callable[[BaseOperator], None]) -> Any:
    factory = given
    if callable(given) and not isinstance(given, (TaskFactory, GroupFactory)):
        factory = task_decorator(given)
    if not isinstance(factory, TaskFactory):
        raise ArgumentError(
            f"@{name} goes above a function or above @task, not {type(given).__name__} ({shown(given)}); "
            f"of a task group, mark its tasks.",
            str(calling_place()),
        )
    return factory.marked(mark)
