"""Mapped tasks in a run: how many instances there are, and which of them stand for the whole.

A task that is mapped has one instance, the task as a whole, until its length is known; then it is *expanded*: the instance
gives way to a :class:`Block` of as many as there are items. Tasks that are mapped together, those of a mapped task group,
share a *domain*: instance ``i`` of one waits for instance ``i`` of those before it, and for nothing else of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from tradewind.model.spec import DagSpec, LengthSpec
from tradewind.model.states import TaskState

#: states that count towards trigger rules, in the order in which they are counted
COUNTED = (
    TaskState.SUCCESS,
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)
_AS_A_WHOLE = (
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.SUCCESS,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)
_NUMBER_OF = {state: number for number, state in enumerate(COUNTED)}


class Domain(NamedTuple):
    """What a task is mapped over; tasks with the same ``name`` are mapped together."""

    name: str
    length: LengthSpec
    sources: tuple[int, ...]  #: numbers of the tasks whose output it is mapped over


def domains_of(spec: DagSpec, index: dict[str, int]) -> dict[int, Domain]:
    """The domain of each mapped task, by its number; empty where nothing is mapped."""
    groups = {group.group_id: group for group in spec.groups}
    found: dict[int, Domain] = {}
    for number, task in enumerate(spec.tasks):
        name, length, group_id = task.task_id, task.mapped, task.group_id
        while length is None and group_id in groups:
            group = groups[group_id]
            name, length, group_id = group.group_id, group.mapped, group.parent
        if length is not None:
            sources = dict.fromkeys(index[task_id] for task_id in length.sources() if task_id in index)
            found[number] = Domain(name, length, tuple(sources))
    return found


def evaluate_length(spec: LengthSpec, of_task: Callable[[str], int | None]) -> int | None:
    """How many instances there are; ``None`` while a length that it follows from is not known.

    :param of_task: the length of what the task of an id returned.
    """
    if spec.kind == "known":
        return spec.length
    if spec.kind == "xcom":
        return of_task(spec.task_id)
    lengths = [evaluate_length(part, of_task) for part in spec.of]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths):
        return None
    match spec.kind:
        case "zip":
            return min(known, default=0)
        case "zip_longest":
            return max(known, default=0)
        case "concat":
            return sum(known)
    return prod(known)


@dataclass(slots=True)
class Block:
    """The instances of a task that was expanded."""

    task: int
    numbers: array[int] = field(default_factory=lambda: array("l"))  #: of the instances, by map index
    length: int = 0  #: instances from this map index on are left over from before, and removed
    #: how many tasks before it are mapped together with it, and have their instances
    inside: int = 0
    #: how many of the instances ended in each of the counted states
    tally: list[int] = field(default_factory=lambda: [0] * len(COUNTED))
    #: by map index, whether the instance left a value; kept where another task is mapped over these
    left: bytearray = field(default_factory=bytearray)

    def mark(self, index: int, left: bool) -> None:
        """Note whether the instance left a value."""
        self.left.extend(bytes(max(0, index + 1 - len(self.left))))
        self.left[index] = left

    @property
    def state(self) -> TaskState | None:
        """The state of the task as a whole: the worst of its instances', once all have ended."""
        if sum(self.tally) < len(self.numbers):
            return None
        for state in _AS_A_WHOLE[:-1]:
            if self.tally[_NUMBER_OF[state]]:
                return state
        return _AS_A_WHOLE[-1]
