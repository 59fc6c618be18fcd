"""Setup and teardown: tasks that make something for others and take it away again, and the blocks of work between them.

A block begins with ``with setup:``, ``with teardown:`` or ``with setup >> teardown:``; what is made inside runs between.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tradewind.authoring.places import calling_place
from tradewind.authoring.relations import Related, link, tasks_of
from tradewind.errors import DefinitionError
from tradewind.model.states import TriggerRule

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator

#: the ``with`` blocks of setups and teardowns that the author's code is inside of, outermost first
_open: ContextVar[tuple[Scope, ...]] = ContextVar("tradewind_scopes", default=())


class Scope:
    """The block of a setup, a teardown or both: its tasks run after the setups and before the teardowns."""

    def __init__(self, dag: DAG | None, setups: list[BaseOperator], teardowns: list[BaseOperator]) -> None:
        self.dag = dag
        self.setups = setups
        self.teardowns = teardowns
        self.tasks: dict[str, BaseOperator] = {}

    def add_task(self, task: Related) -> None:
        """Take a task into the block that was made outside of it."""
        for one in tasks_of(task):
            self.tasks[one.task_id] = one

    def close(self) -> None:
        """Draw the arrows around the tasks of the block."""
        around = {task.task_id for task in (*self.setups, *self.teardowns)}
        work = {task_id: task for task_id, task in self.tasks.items() if task_id not in around}
        for task in work.values():
            if not task.upstream_ids.keys() & work.keys():
                for setup in self.setups:
                    link(setup, task)
            if not task.downstream_ids.keys() & work.keys():
                for teardown in self.teardowns:
                    link(task, teardown)


def joins_open_scopes(task: BaseOperator) -> None:
    """A task was made: it belongs to every block that is open around it."""
    for scope in _open.get():
        if scope.dag is task.dag:
            scope.add_task(task)


def enter(task: BaseOperator) -> Scope:
    """Begin the block of a setup or a teardown.

    :raises DefinitionError: where the task is neither.
    """
    if task.is_setup:
        scope = Scope(task.dag, [task], [after for after in task.downstream_list if after.is_teardown])
    elif task.is_teardown:
        scope = Scope(task.dag, [before for before in task.upstream_list if before.is_setup], [task])
    else:
        raise DefinitionError(
            f"`with` needs a setup or a teardown, but task {task.task_id!r} is neither: mark it with .as_setup() or "
            f".as_teardown(), or use @setup or @teardown.",
            str(calling_place()),
        )
    for outer in _open.get():  # an inner pair is work of the outer one
        outer.add_task([*scope.setups, *scope.teardowns])
    _open.set((*_open.get(), scope))
    return scope


def leave(kind: type[BaseException] | None) -> None:
    """End the innermost block."""
    *outer, scope = _open.get()
    _open.set(tuple(outer))
    if kind is None:
        scope.close()


def as_setup(task: BaseOperator) -> None:
    """Make a task a setup.

    :raises DefinitionError: where it is a teardown already.
    """
    if task.is_teardown:
        raise DefinitionError(
            f"Task {task.task_id!r} is a teardown already, so it cannot be a setup too: make two tasks of it.",
            str(calling_place()),
        )
    task.is_setup = True


def as_teardown(task: BaseOperator, setups: Related | None, on_failure_fail_dagrun: bool | None) -> None:
    """Make a task a teardown, whose trigger rule is that of all teardowns.

    :raises DefinitionError: where it is a setup already.
    """
    if task.is_setup:
        raise DefinitionError(
            f"Task {task.task_id!r} is a setup already, so it cannot be a teardown too: make two tasks of it.",
            str(calling_place()),
        )
    task.is_teardown = True
    task.trigger_rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
    if on_failure_fail_dagrun is not None:
        task.on_failure_fail_dagrun = on_failure_fail_dagrun
    for setup in tasks_of(setups) if setups is not None else ():
        as_setup(setup)
        link(setup, task)


def check_scopes(tasks: Iterable[BaseOperator]) -> None:
    """Refuse what would make setups and their work end in no predictable way.

    :raises DefinitionError: naming the tasks.
    """
    for task in tasks:
        for after in task.downstream_list if task.is_setup else ():
            if not after.is_teardown and after.trigger_rule is not TriggerRule.ALL_SUCCESS:
                raise DefinitionError(
                    f"Setup tasks must be followed with trigger rule ALL_SUCCESS, but {after.task_id!r}, directly behind "
                    f"the setup {task.task_id!r}, has {after.trigger_rule}: put a task between the two, or leave "
                    f"its trigger_rule out.",
                    str(after.place),
                )
        if task.on_failure_fail_dagrun and not task.is_teardown:
            raise DefinitionError(
                f"Task {task.task_id!r} has on_failure_fail_dagrun, which only a teardown can have: any other "
                f"task fails the run as its place in the DAG says.",
                str(task.place),
            )
