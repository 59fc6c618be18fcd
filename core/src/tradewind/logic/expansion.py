"""When a mapped task is expanded, into how many instances, and what becomes of them when that number changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind.logic import mapping
from tradewind.logic.live_run import LiveRun
from tradewind.logic.trigger_rules import Verdict
from tradewind.model.states import TASK_FINAL, TaskState

if TYPE_CHECKING:
    from tradewind.logic.machine import Machine

MAX_MAP_LENGTH = 100_000  #: instances that a mapped task may have, where nothing else is set

_BROKEN = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def is_whole(run: LiveRun, number: int) -> bool:
    """Whether the instance is a mapped task as a whole, which was not expanded yet."""
    return number in run.plan.domains and number not in run.blocks


def follows(run: LiveRun, task: int) -> bool:
    """Whether a task before it that it is mapped together with has its instances: each of its own waits for that alone."""
    return any(other in run.blocks and run.plan.together(other, task) for other in run.plan.upstream[task])


def whole_verdict(run: LiveRun, task: int, verdict: Verdict, most: int) -> Verdict:
    """What becomes of a mapped task as a whole; "run" means that it is expanded.

    :param verdict: what its trigger rule says.
    :param most: how many instances a task may have.
    """
    if follows(run, task):
        verdict = Verdict(True, None, "the tasks that it is mapped together with have their instances")
    sources = run.plan.domains[task].sources
    whole = [source for source in sources if source not in run.blocks]
    for source in whole:
        if run.states[source] in _BROKEN:
            why = f"{run.label(source)} failed, so there is nothing to map over"
            return Verdict(False, TaskState.UPSTREAM_FAILED, why)
    if any(run.states[source] is TaskState.SKIPPED for source in whole):
        if verdict.set_state in _BROKEN:
            return verdict
        skipped = next(source for source in whole if run.states[source] is TaskState.SKIPPED)
        why = f"{run.label(skipped)} was skipped, so there is nothing to map over"
        return Verdict(False, TaskState.SKIPPED, why, settled=run.upstream_of(task).all_done)
    return _length_verdict(run, task, sources, most) or verdict if verdict.run else verdict


def _length_verdict(run: LiveRun, task: int, sources: tuple[int, ...], most: int) -> Verdict | None:
    """What its length makes of a mapped task that may be expanded; ``None``: it is."""
    length = mapping.length_of(run, task)
    if length is None:
        waited = [source for source in sources if run.states[source] not in TASK_FINAL]
        if waited:
            names = ", ".join(run.label(source) for source in waited)
            return Verdict(False, None, f"waits for {names}, whose output it is mapped over")
        empty = next(source for source in sources if source not in run.lengths and source not in run.blocks)
        return Verdict(
            False, TaskState.FAILED, f"{run.label(empty)} left no list or dict that it could be mapped over"
        )
    if length > most:
        return Verdict(False, TaskState.FAILED, too_many(length, most))
    if length == 0:
        return Verdict(False, TaskState.SKIPPED, "what it is mapped over is empty")
    return None


def too_many(length: int, most: int) -> str:
    """Why a task is not expanded to so many instances."""
    return f"it would have {length} instances, and core.max_map_length allows {most}: raise it, or map over batches"


def peers(run: LiveRun, task: int) -> list[int]:
    """The expanded tasks that are mapped together with ``task``, itself among them."""
    return [other for other in run.blocks if run.plan.together(task, other)]


def expand_whole(machine: Machine, run: LiveRun, task: int) -> None:
    """A mapped task gets its instances; those mapped together with it may get theirs."""
    new = mapping.expand(run, task, mapping.length_of(run, task) or 0)
    machine.delta.expanded.extend((run, number) for number in new)
    machine.fresh += [
        *new,
        *(other for other in run.plan.downstream[task] if is_whole(run, other)),
    ]


def is_left_over(machine: Machine, run: LiveRun, number: int) -> bool:
    """Whether what its task is mapped over has become so short that the instance is one too many; it has ended then.

    This is asked before a mapped instance starts, so a length that has changed since is found out here.
    """
    task = run.task_of(number)
    length = mapping.length_of(run, task)
    if length is not None and length > machine.max_map_length:
        machine.move(run, number, TaskState.FAILED, too_many(length, machine.max_map_length))
        return True
    if length is not None and length != run.blocks[task].length:
        _resize(machine, run, task, length)
    if run.map_index(number) < run.blocks[task].length:
        return False
    if run.states[number] is None:
        machine.move(run, number, TaskState.REMOVED, "what its task is mapped over has fewer items now")
    return True


def _resize(machine: Machine, run: LiveRun, task: int, length: int) -> None:
    """What a task is mapped over has another length than when it was expanded."""
    block = run.blocks[task]
    for other in peers(run, task):
        if length > len(run.blocks[other].numbers):
            new = mapping.expand(run, other, length)
            machine.delta.expanded.extend((run, number) for number in new)
            machine.fresh += new
    block.length = length
    reason = f"what its task is mapped over has {length} items now"
    for index, number in enumerate(block.numbers):
        if index < length and run.states[number] is TaskState.REMOVED:
            run.start_dates[number] = run.end_dates[number] = None
            machine.move(run, number, None, reason)
            machine.fresh.append(number)
        elif index >= length and run.states[number] is not TaskState.REMOVED:
            machine.drop_attempt(run, number, reason)
            machine.move(run, number, TaskState.REMOVED, reason)
            machine.fresh += run.behind(number)
