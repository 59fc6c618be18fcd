"""Chooses which of the tasks behind it go on."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from tradewind.authoring.checks import did_you_mean, shown
from tradewind.authoring.operator import BaseOperator
from tradewind.authoring.operators.python import PythonOperator
from tradewind.errors import DefinitionError
from tradewind.model.outcomes import Branched

Choice = str | Iterable[str] | None


def follow_branch(task: BaseOperator, context: MutableMapping[str, Any], choice: Choice) -> Choice:
    """Let the tasks (or task groups) that were chosen go on, and skip the others directly behind ``task``.

    :param choice: a task id, a group id, or several; ``None`` or nothing skips all.
    :return: the choice, which is the branch's output.
    :raises DefinitionError: where something was chosen that is not in the DAG.
    """
    chosen = _ids(task, choice)
    follow = tuple(dict.fromkeys(task_id for name in chosen for task_id in _tasks_behind(task, name)))
    reason = f"{task.task_id} chose {', '.join(chosen)}" if chosen else f"{task.task_id} chose none"
    context["ti"].decide(Branched(follow=follow, reason=reason))
    return choice


def _ids(task: BaseOperator, choice: Any) -> list[str]:
    if choice is None:
        return []
    several = list(choice) if isinstance(choice, Iterable) and not isinstance(choice, str) else [choice]
    if not all(isinstance(item, str) for item in several):
        raise DefinitionError(
            f"Branch {task.task_id!r} must return a task id, a list of task ids, or None, "
            f"not {shown(choice)}."
        )
    return several


def _tasks_behind(task: BaseOperator, name: str) -> list[str]:
    dag = task.dag
    if dag is None:
        return [name]
    if name in dag.task_dict:
        return [name]
    if name in dag.group_dict:
        return [root.task_id for root in dag.group_dict[name].roots]
    known = [*dag.task_dict, *dag.group_dict]
    near = [other for other in known if other.endswith(f".{name}")]
    hint = f" Did you mean {near[0]!r}?" if near else did_you_mean(name, known)
    behind = ", ".join(task.downstream_ids) or "nothing"
    raise DefinitionError(
        f"Branch {task.task_id!r} chose {name!r}, "
        f"but DAG {dag.dag_id!r} has no task or task group of that id.{hint} "
        f"Directly behind the branch: {behind}."
    )


class BaseBranchOperator(BaseOperator):
    """A task that chooses: implement :meth:`choose_branch`."""

    chooses = True

    def choose_branch(self, context: MutableMapping[str, Any]) -> Choice:
        """The id or ids of the tasks (or task groups) that go on; ``None`` for none."""
        raise NotImplementedError(f"{type(self).__name__} has no choose_branch(context) method: write one.")

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        return follow_branch(self, context, self.choose_branch(context))


class BranchPythonOperator(PythonOperator):
    """Calls a function that returns the id or ids of the tasks (or task groups) that go on."""

    chooses = True

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        return follow_branch(self, context, self.call(context))
