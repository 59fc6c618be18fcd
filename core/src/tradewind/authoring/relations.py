"""What runs before what: ``>>``, ``<<``, ``chain``, ``cross_downstream`` and labels on the arrows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Union

from tradewind.authoring.checks import shown
from tradewind.authoring.places import calling_place
from tradewind.errors import CycleError, DefinitionError

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator

Related = Union["Node", Sequence["Node"]]


class Node:
    """Anything that an arrow can begin or end at: a task, a task group, a task's output, a label."""

    @property
    def roots(self) -> list[BaseOperator]:
        """The tasks that an arrow to this node ends at."""
        raise NotImplementedError

    @property
    def leaves(self) -> list[BaseOperator]:
        """The tasks that an arrow from this node begins at."""
        raise NotImplementedError

    def set_downstream(self, other: Related, edge_modifier: Label | None = None) -> None:
        """Let ``other`` (a node or a list of nodes) wait for this one."""
        for node in _nodes(other):
            if isinstance(node, Label) and not isinstance(self, Label):
                node.set_upstream(self)
            else:
                link(self, node, edge_modifier.label if edge_modifier else "")

    def set_upstream(self, other: Related, edge_modifier: Label | None = None) -> None:
        """Let this one wait for ``other`` (a node or a list of nodes)."""
        for node in _nodes(other):
            if isinstance(node, Label) and not isinstance(self, Label):
                node.set_downstream(self)
            else:
                link(node, self, edge_modifier.label if edge_modifier else "")

    def __rshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return other

    def __lshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return other

    def __rrshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return self

    def __rlshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return self


class Label(Node):
    """A text on the arrows between what stands before and after it: ``check >> Label("good") >> publish``."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._before: list[Node] = []
        self._after: list[Node] = []

    @property
    def roots(self) -> list[BaseOperator]:
        return [task for node in self._after for task in node.roots]

    @property
    def leaves(self) -> list[BaseOperator]:
        return [task for node in self._before for task in node.leaves]

    def set_upstream(self, other: Related, edge_modifier: Label | None = None) -> None:
        before = _nodes(other)
        self._before.extend(before)
        self._link(before, self._after)

    def set_downstream(self, other: Related, edge_modifier: Label | None = None) -> None:
        after = _nodes(other)
        self._after.extend(after)
        self._link(self._before, after)

    def _link(self, before: list[Node], after: list[Node]) -> None:
        for upstream in before:
            for downstream in after:
                link(upstream, downstream, self.label)


def link(before: Node, after: Node, label: str = "") -> None:
    """Draw the arrows from the leaves of ``before`` to the roots of ``after``.

    :raises DefinitionError: where they belong to different DAGs, to none, or are one and the same task.
    """
    upstream, downstream = before.leaves, after.roots
    if not upstream or not downstream:
        _postpone(before, after, label)
        return
    dag = _common_dag([*upstream, *downstream])
    for first in upstream:
        for second in downstream:
            if first is second:
                raise CycleError(
                    f"Task {first.task_id!r} cannot wait for itself: {first.task_id} >> {first.task_id}.",
                    str(calling_place()),
                )
            first.downstream_ids[second.task_id] = None
            second.upstream_ids[first.task_id] = None
            if label:
                dag.edge_labels[first.task_id, second.task_id] = label


def _postpone(before: Node, after: Node, label: str) -> None:
    """An arrow at a group that has no tasks yet is drawn when the DAG is finished."""
    for node in (before, after):
        dag: DAG | None = getattr(node, "dag", None)
        if dag is not None:
            dag.postponed_links.append((before, after, label))
            return


def _common_dag(tasks: Sequence[BaseOperator]) -> DAG:
    dags = {id(task.dag): task.dag for task in tasks if task.dag is not None}
    names = ", ".join(sorted({task.task_id for task in tasks}))
    if not dags:
        raise DefinitionError(
            f"The tasks {names} belong to no DAG yet, so nothing can be drawn between them. "
            f"Make them inside `with DAG(...)`, or pass dag=... to them.",
            str(calling_place()),
        )
    if len(dags) > 1:
        owners = ", ".join(
            f"{task.task_id!r} (DAG {task.dag.dag_id!r})" for task in tasks if task.dag is not None
        )
        raise DefinitionError(
            f"A dependency cannot go from one DAG to another: {owners}. "
            f"Move the tasks into one DAG, or let one DAG trigger the other.",
            str(calling_place()),
        )
    dag = next(iter(dags.values()))
    for task in tasks:
        if task.dag is None:
            dag.add_task(task)
    return dag


def _nodes(given: Any) -> list[Node]:
    nodes = list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given]
    for node in nodes:
        if not isinstance(node, Node):
            cure = " Call it first, as in `my_task()`." if callable(node) else ""
            raise DefinitionError(
                f"Only tasks, task groups, outputs of tasks and lists of them can depend on each other, "
                f"not {type(node).__name__} ({shown(node)}).{cure}",
                str(calling_place()),
            )
    return nodes


def tasks_of(nodes: Related) -> list[BaseOperator]:
    """The tasks that a node, or a list of them, begins and ends with."""
    return list({id(task): task for node in _nodes(nodes) for task in (*node.roots, *node.leaves)}.values())


def chain(*nodes: Related) -> None:
    """Let each wait for the one before it: ``chain(a, [b, c], [d, e], f)``.

    Two lists next to each other are paired item by item, so they must be equally long; a list and a single
    node are connected with every item.

    :raises DefinitionError: where two neighbouring lists differ in length.
    """
    for before, after in pairwise(nodes):
        first, second = _nodes(before), _nodes(after)
        if not (isinstance(before, (list, tuple)) and isinstance(after, (list, tuple))):
            _cross(first, second)
        elif len(first) != len(second):
            raise DefinitionError(
                f"chain() pairs neighbouring lists item by item, but one has {len(first)} items "
                f"and the next {len(second)}. Make them equally long, or use chain_linear().",
                str(calling_place()),
            )
        else:
            for upstream, downstream in zip(first, second, strict=True):
                upstream.set_downstream(downstream)


def chain_linear(*nodes: Related) -> None:
    """Let everything of each step wait for all of the step before: ``chain_linear(a, [b, c], [d, e])``."""
    for before, after in pairwise(nodes):
        _cross(_nodes(before), _nodes(after))


def cross_downstream(from_tasks: Related, to_tasks: Related) -> None:
    """Let each of ``to_tasks`` wait for each of ``from_tasks``."""
    _cross(_nodes(from_tasks), _nodes(to_tasks))


def _cross(before: Iterable[Node], after: list[Node]) -> None:
    for upstream in before:
        upstream.set_downstream(after)
