"""Which DAG and task group the author's code is inside of (``with DAG(...)``, ``with TaskGroup(...)``)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.group import TaskGroup

#: Nested ``with`` blocks, outermost first. A ContextVar: files imported side by side do not see each other's.
_blocks: ContextVar[tuple[tuple[DAG, TaskGroup], ...]] = ContextVar("tradewind_blocks", default=())


def enter(dag: DAG, group: TaskGroup) -> None:
    """Begin a block."""
    _blocks.set((*_blocks.get(), (dag, group)))


def leave() -> None:
    """End the innermost block."""
    _blocks.set(_blocks.get()[:-1])


def current_dag() -> DAG | None:
    """The DAG of the innermost block."""
    blocks = _blocks.get()
    return blocks[-1][0] if blocks else None


def current_group(dag: DAG) -> TaskGroup:
    """The group that a new task of ``dag`` belongs to: the innermost block's, if that is one of ``dag``."""
    blocks = _blocks.get()
    return blocks[-1][1] if blocks and blocks[-1][0] is dag else dag.task_group
