"""When a mapped task is expanded, into how many instances, and what becomes of them when that number changes."""

from __future__ import annotations

from tradewind.logic.live_run import LiveRun
from tradewind.logic.trigger_rules import Verdict
from tradewind.model.states import TASK_FINAL, TaskState

_BROKEN = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def is_whole(run: LiveRun, number: int) -> bool:
    """Whether the instance is a mapped task as a whole, which was not expanded yet."""
    return number in run.plan.domains and number not in run.blocks


def whole_verdict(run: LiveRun, task: int, verdict: Verdict, most: int) -> Verdict:
    """What becomes of a mapped task as a whole; "run" means that it is expanded.

    :param verdict: what its trigger rule says.
    :param most: how many instances a task may have.
    """
    if any(other in run.blocks and run.plan.together(other, task) for other in run.plan.upstream[task]):
        # Each of its instances waits for that before it alone.
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
    length = run.length_of(task)
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
