"""Tasks that ask for a run of another DAG: they wait for the answer in the state ``deferred``, without a slot.

The instance keeps the id of the attempt that asked, and the answer names it: an answer to an attempt that was cleared,
marked or timed out meanwhile finds nothing that waits for it. So nothing but the instance's own row has to survive a crash.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tradewind.model.messages import RunAnswered
from tradewind.model.outcomes import Failed, Outcome, Skipped, Succeeded, TriggersRun
from tradewind.model.states import TaskState

if TYPE_CHECKING:
    from tradewind.logic.live_run import LiveRun
    from tradewind.logic.machine import Machine


def ask(machine: Machine, run: LiveRun, number: int, outcome: TriggersRun) -> None:
    """The attempt ended by asking: give the slot back and wait, at most as long as ``execution_timeout`` leaves.

    The attempt's id stays with the instance.
    """
    limit, began = run.task(number).execution_timeout, run.start_dates[number]
    before = run.waits.pop(number, None)
    if before is not None:  # what the attempt itself had waited for
        machine.delta.waited.append((run, before))
    wanted = f"run {outcome.payload.get('run_id')!r} of DAG {outcome.dag_id!r}"
    reason = f"waits for {wanted} to end" if outcome.wait else f"asked for {wanted}"
    run.end_dates[number] = None
    if limit is not None and began is not None:
        run.due_at[number] = began + timedelta(seconds=limit)
        machine.delta.waits.append((run, number))
    machine.move(run, number, TaskState.DEFERRED, reason, run.attempt_id[number])


def answered(machine: Machine, run: LiveRun, number: int, answer: RunAnswered) -> bool:
    """The answer has come; whether anybody was waiting for it."""
    waits = run.states[number] is TaskState.DEFERRED
    if not waits or run.attempt_id[number] != answer.asker.attempt_id:
        return False
    run.due_at[number] = None
    machine.finished(run, number, _outcome(answer), None, machine.now)
    return True


def time_over(machine: Machine, run: LiveRun, number: int) -> None:
    """The instance's ``execution_timeout`` is over before the answer came."""
    limit = run.task(number).execution_timeout or 0.0
    reason = f"execution_timeout of {limit:g} s is over: it {run.reasons[number]}"
    run.due_at[number] = None
    machine.finished(run, number, Failed(reason), None, machine.now)


def _outcome(answer: RunAnswered) -> Outcome:
    match answer.verdict:
        case "succeeded":
            return Succeeded()
        case "skipped":
            return Skipped(answer.reason)
    return Failed(answer.reason)


def verdict_on(
    dag_id: str, run_id: str, state: str, allowed: tuple[str, ...], failed: tuple[str, ...]
) -> tuple[bool, str]:
    """What the end of a run means for the task that waits for it: whether it succeeds, and why."""
    what = f"run {run_id!r} of DAG {dag_id!r} ended as {state}"
    if state in failed:
        return False, what
    if state in allowed:
        return True, what
    return False, f"{what}, which is not among allowed_states ({', '.join(allowed) or 'none'})"
