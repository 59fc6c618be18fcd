"""Mapped tasks in a run: how many instances there are, and which of them stand for the whole.

A task that is mapped has one instance, the task as a whole, until its length is known; then it is *expanded*: the instance
gives way to a :class:`Block` of as many as there are items. Tasks that are mapped together, those of a mapped task group,
share a *domain*: instance ``i`` of one waits for instance ``i`` of those before it, and for nothing else of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from tradewind.model.spec import DagSpec, LengthSpec
from tradewind.model.states import TASK_FINAL, TaskState

if TYPE_CHECKING:
    from tradewind.logic.live_run import LiveRun

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


def length_of(run: LiveRun, task: int) -> int | None:
    """How many instances a mapped task is to have; ``None`` while that is not known."""
    return evaluate_length(run.plan.domains[task].length, partial(_items_of, run))


def _items_of(run: LiveRun, task_id: str) -> int | None:
    task = run.plan.index.get(task_id, -1)
    block = run.blocks.get(task)
    if block is None:
        return run.lengths.get(task)
    return None if run.states[task] is None else block.left.count(1)


def left(run: LiveRun, number: int, length: int | None) -> None:
    """The instance returned a value; ``length``: of what can be mapped over."""
    task, index = run.task_of(number), run.map_index(number)
    if task not in run.plan.mapped_over:
        return
    if index >= 0:
        run.blocks[task].mark(index, True)
    elif length is not None:
        run.lengths[task] = length


def forget_left(run: LiveRun, number: int) -> None:
    """What the instance returned before is gone."""
    task, index = run.task_of(number), run.map_index(number)
    if index < 0:
        run.lengths.pop(task, None)
    elif task in run.plan.mapped_over:
        run.blocks[task].mark(index, False)


def expand(run: LiveRun, task: int, length: int) -> Sequence[int]:
    """Let a mapped task have ``length`` instances; those that it has keep their place.

    :return: the numbers of those that are new.
    """
    block = run.blocks.get(task)
    if block is None:
        block = Block(task)
        pk = run.pks[task]
        run.blocks[task] = block
        run.unfinished -= 1
        run.dirty.discard(task)
        for other in run.plan.upstream[task]:
            if inside(run, other, task):
                block.inside += 1
                run.totals[task] -= len(run.blocks[other].numbers)
                for column, ended in zip(run.counts, run.blocks[other].tally, strict=True):
                    column[task] -= ended
        for other in run.plan.downstream[task]:
            run.totals[other] -= 1
            if inside(run, task, other):
                run.blocks[other].inside += 1
        new = [add_instance(run, block, pk)] if length else []
    else:
        new = []
    while len(block.numbers) < length:
        new.append(add_instance(run, block))
    block.length = length
    run.unfinished += len(new)
    run.dirty.update(new)
    beside = [run.blocks[other] for other in run.plan.upstream[task] if inside(run, other, task)]
    for other in run.plan.downstream[task]:
        if not inside(run, task, other):
            run.totals[other] += len(new)
    for block_before in beside:
        for number in new:
            index = run.map_index(number)
            state = run.states[block_before.numbers[index]] if index < len(block_before.numbers) else None
            if state in TASK_FINAL:
                run.counts[_NUMBER_OF[state]][number] += 1
    if not block.numbers or new:
        run.states[task] = block.state
    return new


def inside(run: LiveRun, task: int, other: int) -> bool:
    """Whether both were expanded, together."""
    return task in run.blocks and other in run.blocks and run.plan.together(task, other)


def add_instance(run: LiveRun, block: Block, pk: int = 0) -> int:
    """One more instance; the store's number of it is not known yet, unless it takes that of the task as a whole."""
    number = len(run.states)
    run.tasks_of.append(block.task)
    run.indexes.append(len(block.numbers))
    block.numbers.append(number)
    run.pks.append(pk)
    run.max_tries.append(run.plan.tasks[block.task].retries)
    run.try_numbers.append(0)
    run.reasons.append("")
    run.states.append(None)
    run.attempt_id.append(None)
    for dates in (run.due_at, run.start_dates, run.end_dates):
        dates.append(None)
    for column in run.counts:
        column.append(0)
    return number


def instance_at(run: LiveRun, task: int, index: int) -> int:
    """The instance of that map index, made where it is not there yet; the counts are not kept."""
    block = run.blocks.get(task)
    if block is None:
        block = run.blocks[task] = Block(task)
    while len(block.numbers) <= index:
        add_instance(run, block)
    return block.numbers[index]
