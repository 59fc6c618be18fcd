"""Clear and mark: what people do to the instances of a run by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.model.states import RUN_FINAL, TASK_FINAL, RunState, TaskState


def clear(machine: Machine, run: LiveRun, numbers: Iterable[int], reason: str) -> list[int]:
    """Let instances go again, with all of their retries; a run that had ended is queued again.

    What runs is ended first, and goes again after that. Returns those that were cleared; a run that is running goes on with
    them when the caller lets the machine consider them.
    """
    cleared = []
    for number in run.spread(numbers):
        state = run.states[number]
        if state is TaskState.RESTARTING:
            continue
        run.branches.pop(number, None)
        run.losses.pop(number, None)
        run.due_at[number] = None
        attempt_id = run.attempt_id[number]
        if state is TaskState.RUNNING:
            if attempt_id is not None:
                machine.delta.cancels.append((attempt_id, reason))
            machine.move(run, number, TaskState.RESTARTING, reason)
        else:
            run.max_tries[number] = run.try_numbers[number] + run.task(number).retries
            machine.drop_attempt(run, number, reason)
            run.start_dates[number] = run.end_dates[number] = None
            machine.move(run, number, None, reason)
        cleared.append(number)
    if cleared:
        if run.stopped_by is not None:
            run.stopped_by, run.run_dirty = None, True
        if run.state in RUN_FINAL:
            run.end_date = run.start_date = None
            machine.move_run(run, RunState.QUEUED, reason)
    return cleared


def mark(
    machine: Machine,
    run: LiveRun,
    numbers: Iterable[int],
    state: TaskState,
    reason: str,
    seen: Mapping[int, TaskState | None] | None = None,
) -> tuple[list[int], list[int]]:
    """Set instances to a final state; what runs of them is ended.

    :param seen: the states that the person who asks for it saw. An instance that had not ended then, and has since,
        keeps the state that it ended in.
    :return: those that were set, and those that ended by themselves first.
    """
    marked, missed = [], []
    for number in run.spread(numbers):
        old = run.states[number]
        if seen is not None and number in seen and seen[number] not in TASK_FINAL and old in TASK_FINAL:
            if old is not state:
                missed.append(number)
            continue
        if old is state:
            continue
        machine.drop_attempt(run, number, reason)
        run.due_at[number] = None
        run.branches.pop(number, None)
        if run.end_dates[number] is None:
            run.end_dates[number] = machine.now
        machine.end_instance(run, number, state, reason, None)
        marked.append(number)
    return marked, missed


def behind(run: LiveRun, numbers: Iterable[int]) -> set[int]:
    """All instances that lie behind these, however far; of tasks that are mapped together those of the same map index."""
    found: set[int] = set()
    by_task: dict[int, list[int]] = {}
    for number in numbers:
        by_task.setdefault(run.task_of(number), []).append(number)
    for task, ones in by_task.items():
        for other in run.plan.reach({task}) - {task}:
            for one in ones if run.plan.together(task, other) else ones[:1]:
                found.update(run.concerned(one, other))
    return found


def mark_run(machine: Machine, run: LiveRun, state: RunState, reason: str) -> None:
    """Set a run to success or failed.

    ``failed``: what runs is ended as failed, what has not begun is skipped. ``success``: all tasks are set to success.
    Teardowns that have not ended go on in either case, and the run ends after them.
    """
    pending = [n for n in run.spread(run.plan.scopes.teardowns) if run.states[n] not in TASK_FINAL]
    if run.state is not RunState.RUNNING or not pending:
        rest = TaskState.SUCCESS if state is RunState.SUCCESS else TaskState.SKIPPED
        if state is RunState.SUCCESS:
            _succeed(machine, run, (), reason)
        machine.end_run(run, state, reason, rest)
    elif state is RunState.FAILED:
        machine.stop(run, reason)
    else:
        run.stopped_by = None
        _succeed(machine, run, pending, reason)
        machine.consider(run, pending)


def _succeed(machine: Machine, run: LiveRun, but: Iterable[int], reason: str) -> None:
    """Set all instances to success."""
    for number in set(run.numbers()).difference(but):
        if run.states[number] not in (TaskState.SUCCESS, TaskState.REMOVED):
            machine.drop_attempt(run, number, reason)
            run.end_dates[number] = run.end_dates[number] or machine.now
            machine.move(run, number, TaskState.SUCCESS, reason)
