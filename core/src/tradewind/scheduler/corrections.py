"""What people correct in runs that are there, applied in a turn: clear, mark, and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradewind.errors import NotFound, Refused
from tradewind.logic import clearing
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.logic.subset import FAILED
from tradewind.model.commands import ClearTasks, DeleteRun, MarkRun, MarkTasks, RespondInput, SetNote
from tradewind.model.states import RUN_FINAL, TASK_FINAL, RunState, TaskState
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.turn import Turn
from tradewind.scheduler.versions import take_version


def clear(loading: Loading, turn: Turn, command: ClearTasks, reason: str) -> dict[str, Any]:
    """Let instances of a run go again.

    :raises NotFound: for a run or a task that is not there.
    """
    run = _run(loading, turn, command.dag_id, command.run_id)
    began_as = run
    if command.run_on_latest_version:
        run = _on_latest_version(loading, turn, run, command)
    numbers = _numbers(run, command.task_ids)
    if command.only:
        numbers = [number for number in numbers if run.states[number] in command.only]
    if run is not began_as:  # what is new in the version runs too
        known = {began_as.pks[number] for number in began_as.numbers()}
        numbers = sorted({*numbers, *(number for number in run.numbers() if run.pks[number] not in known)})
    left = {
        run.label(number): run.states[number]
        for number in numbers
        if run.states[number] not in TASK_FINAL and command.seen.get(run.label(number)) in TASK_FINAL
    }
    cleared = _clear(loading, turn, run, [n for n in numbers if run.label(n) not in left], reason)
    if run is not began_as and run.state is RunState.RUNNING:  # its arrows may be others now
        turn.machine.resume(run)
    turn.let_go(run)
    return {"cleared": [run.label(number) for number in cleared], "left": left}


def mark_tasks(loading: Loading, turn: Turn, command: MarkTasks, reason: str) -> dict[str, Any]:
    """Set instances of a run to a final state, and let go again what failed behind them.

    :raises Refused: for a state that nobody can be set to.
    """
    if command.state not in (TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED):
        raise Refused(f"A task can be marked success, failed or skipped, not {command.state}.")
    run = _run(loading, turn, command.dag_id, command.run_id)
    numbers = _numbers(run, command.task_ids)
    seen = {number: state for name, state in command.seen.items() for number in run.named(name)}
    before: Mapping[int, TaskState | None] = dict(enumerate(run.states))
    marked, missed = clearing.mark(turn.machine, run, numbers, command.state, reason, seen)
    again: list[int] = []
    if command.state is not TaskState.FAILED:
        behind = sorted(clearing.behind(run, marked).difference(marked))
        again = [n for n in behind if before.get(n) in FAILED and run.states[n] in FAILED]
        again = _clear(loading, turn, run, again, f"{reason}: a task upstream of it")
    turn.let_go(run)
    return {
        "marked": [run.label(number) for number in marked],
        "left": {run.label(number): run.states[number] for number in missed},
        "cleared": [run.label(number) for number in again],
    }


def mark_run(loading: Loading, turn: Turn, command: MarkRun, reason: str) -> dict[str, Any]:
    """Set a run to success or failed.

    :raises Refused: where it ended by itself since whoever asks looked.
    """
    if command.state not in RUN_FINAL:
        raise Refused(f"A run can be marked success or failed, not {command.state}.")
    run = _run(loading, turn, command.dag_id, command.run_id)
    if run.state is command.state:
        turn.let_go(run)
        return {"state": run.state}
    if run.state in RUN_FINAL and command.seen is not None and command.seen not in RUN_FINAL:
        turn.let_go(run)
        raise Refused(
            f"Run {command.run_id!r} was {command.seen} when you looked, and has ended {run.state} since ({run.reason}). "
            f"It was left so; ask again if it shall be {command.state} all the same."
        )
    clearing.mark_run(turn.machine, run, command.state, reason)
    turn.let_go(run)
    return {"state": run.state}


def set_note(loading: Loading, turn: Turn, command: SetNote) -> dict[str, Any]:
    """Write a note on a run or a task instance."""
    run = _run(loading, turn, command.dag_id, command.run_id)
    turn.let_go(run)
    if command.task_id is None:
        run.info = replace(run.info, note=command.note)
        turn.batch.run_notes.append({"pk": run.pk, "note": command.note})
        return {"note": command.note}
    _numbers(run, (command.task_id,))
    turn.batch.task_notes.append(
        {
            "run_pk": run.pk,
            "task_id": command.task_id,
            "map_index": command.map_index,
            "note": command.note,
        }
    )
    return {"note": command.note}


def respond(loading: Loading, turn: Turn, command: RespondInput, actor: str) -> dict[str, Any]:
    """Answer a question that a task instance waits with.

    :raises Refused: where it does not fit, or the question has been answered.
    """
    run = _run(loading, turn, command.dag_id, command.run_id)
    try:
        numbers = _numbers(run, (command.task_id,))
        if len(numbers) > 1:
            raise Refused(
                f"Task {command.task_id!r} has {len(numbers)} instances that may ask: name one of them, such as "
                f"{run.label(numbers[0])!r}."
            )
        answer = turn.inputs.respond(run, numbers[0], command.options, command.params, actor)
    finally:
        turn.let_go(run)
    return {"chosen_options": list(answer.chosen_options), "params_input": answer.params_input}


def delete_run(loading: Loading, turn: Turn, command: DeleteRun) -> dict[str, Any]:
    """Forget a run.

    :raises Refused: where it goes on, or what it ended with is not even written yet.
    """
    run = loading.run(turn.memory, command.dag_id, command.run_id)
    just_ended = run in turn.machine.delta.ended_runs
    if run.state not in RUN_FINAL or just_ended:
        state = "has ended this very moment" if just_ended else f"is {run.state}"
        cure = "Ask again." if just_ended else "Mark it with `tradewind runs mark`, or wait for its end."
        raise Refused(f"Run {command.run_id!r} {state} and is not deleted. {cure}")
    turn.memory.forget_run(run)
    turn.memory.parked.discard(run.pk)
    turn.around.writer.delete_run(run.pk)
    return {"run_id": command.run_id}


# -- inside --------------------------------------------------------------------------------------------------


def _clear(loading: Loading, turn: Turn, run: LiveRun, numbers: list[int], reason: str) -> list[int]:
    was_final = run.state in RUN_FINAL
    cleared = clearing.clear(turn.machine, run, numbers, reason)
    if cleared and was_final:
        _reopen(loading, turn, run)
    elif cleared and run.state is RunState.RUNNING:
        turn.machine.consider(run, cleared)
    return cleared


def _reopen(loading: Loading, turn: Turn, run: LiveRun) -> None:
    """A run that had ended waits for a place among the DAG's active runs."""
    dag = turn.memory.dags.get(run.info.dag_id) or loading.dag(turn.memory, run.info.dag_id)
    if dag is not None:
        turn.starting.reopen(dag, run)


def _on_latest_version(loading: Loading, turn: Turn, run: LiveRun, command: ClearTasks) -> LiveRun:
    dag = loading.dag(turn.memory, command.dag_id)
    if dag is None or dag.version_id == run.info.version_id:
        return run
    plan = loading.plan(turn.memory, dag.version_id)
    _check(plan, command.task_ids)  # before anything is changed
    return take_version(turn, run, plan, dag.version_id, loading)


def _run(loading: Loading, turn: Turn, dag_id: str, run_id: str) -> LiveRun:
    run = loading.run(turn.memory, dag_id, run_id)
    if run.pk in turn.memory.parked:
        raise Refused(
            f"Run {run_id!r} was put aside after an error of the scheduler; restart the scheduler to take it up again."
        )
    return run


def _numbers(run: LiveRun, task_ids: tuple[str, ...]) -> list[int]:
    if not task_ids:
        return list(run.numbers())
    for task_id in task_ids:
        if not run.named(task_id):
            raise _no_task(run.plan, task_id)
    return [number for task_id in task_ids for number in run.named(task_id)]


def _check(plan: Plan, task_ids: tuple[str, ...]) -> None:
    """See that a version has the tasks of these instances."""
    for task_id in task_ids:
        if task_id.partition("[")[0] not in plan.index:
            raise _no_task(plan, task_id)


def _no_task(plan: Plan, task_id: str) -> NotFound:
    return NotFound(f"task of the DAG {plan.spec.dag_id!r} named", task_id, plan.index)
