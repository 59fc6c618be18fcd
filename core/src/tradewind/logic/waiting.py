"""Waiting without a slot: what a try waits for, when that is over, and what it goes on with."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tradewind.logic import run_waits
from tradewind.model.outcomes import AwaitsInput, Deferred, Rescheduled, TriggersRun
from tradewind.model.states import TaskState
from tradewind.model.waits import FAIL, Wait, WaitResult

if TYPE_CHECKING:
    from tradewind.logic.live_run import LiveRun
    from tradewind.logic.machine import Machine

#: states in which an instance waits, or has waited and goes on with the same try
KEEPS_WAIT = frozenset(
    {
        TaskState.DEFERRED,
        TaskState.UP_FOR_RESCHEDULE,
        TaskState.SCHEDULED,
        TaskState.QUEUED,
        TaskState.RUNNING,
        TaskState.RESTARTING,
    }
)


def wait_of(
    outcome: Rescheduled | Deferred | AwaitsInput,
    attempt_id: str,
    ended_at: datetime,
    before: Wait | None,
    give_up: datetime | None,
) -> Wait:
    """The wait that an attempt asks for.

    :param before: the wait that the attempt itself came from.
    :param give_up: when the task's ``execution_timeout`` is over, which waiting does not stretch.
    """
    rounds = before.rounds + 1 if before is not None else 1
    match outcome:
        case Rescheduled():
            return Wait(attempt_id=attempt_id, kind="until", rounds=rounds, due_at=outcome.at)
        case AwaitsInput():
            return Wait(
                attempt_id=attempt_id,
                kind="input",
                rounds=rounds,
                due_at=_limit(ended_at, outcome.timeout, give_up),
                payload=outcome.payload,
                method=outcome.method,
            )
    limit = _limit(ended_at, outcome.timeout, give_up)
    wait = Wait(
        attempt_id=attempt_id,
        kind="trigger",
        rounds=rounds,
        due_at=limit,
        payload={"class": outcome.trigger, "kwargs": outcome.trigger_kwargs},
        method=outcome.method,
        method_kwargs=outcome.method_kwargs,
    )
    if outcome.until is not None and (limit is None or outcome.until <= limit):
        return replace(wait, kind="until", due_at=outcome.until, payload={"event": outcome.event})
    if outcome.until is not None:  # it is known already that the time will be over first
        return replace(wait, kind="input", payload={})
    if outcome.runs is not None:
        return replace(wait, kind="run", payload=_plain(asdict(outcome.runs)))
    return wait


def begin(
    machine: Machine,
    run: LiveRun,
    number: int,
    outcome: Rescheduled | Deferred | AwaitsInput | TriggersRun,
    at: datetime,
) -> None:
    """The instance gave its slot back, and goes on with this try when what it waits for has come."""
    if isinstance(outcome, TriggersRun):
        run_waits.ask(machine, run, number, outcome)
        return
    attempt_id, began = run.attempt_id[number] or "", run.start_dates[number]
    limit = run.task(number).execution_timeout
    give_up = began + timedelta(seconds=limit) if limit is not None and began is not None else None
    before = run.waits.get(number)
    if before is not None:
        machine.delta.waited.append((run, before))
    wait = run.waits[number] = wait_of(outcome, attempt_id, at, before, give_up)
    run.end_dates[number] = None
    run.due_at[number] = wait.due_at
    machine.move(run, number, state_of(wait), reason_of(wait), attempt_id)
    machine.delta.waiting.append((run, number))
    if wait.due_at is not None:
        machine.delta.waits.append((run, number))


def end(machine: Machine, run: LiveRun, number: int, result: WaitResult, reason: str = "") -> bool:
    """What the instance waited for has come, or cannot come: the same try goes on; whether it was waited for."""
    if run.states[number] not in (TaskState.UP_FOR_RESCHEDULE, TaskState.DEFERRED):
        return False
    run.waits[number] = replace(run.waits[number], result=result)
    machine.delta.waiting.append((run, number))
    machine.delta.released.append((run, number))
    machine.schedule(run, number, result.error or reason or "what it waited for has come")
    return True


def due(machine: Machine, run: LiveRun, number: int) -> None:
    """The moment that the instance waits for, or until which it waits at most, has come."""
    if run.states[number] in (TaskState.UP_FOR_RESCHEDULE, TaskState.DEFERRED) and number in run.waits:
        end(machine, run, number, result_when_due(run.waits[number]))
    elif run.states[number] is TaskState.DEFERRED:
        run_waits.time_over(machine, run, number)


def state_of(wait: Wait) -> TaskState:
    """The state of an instance that waits like this."""
    return TaskState.UP_FOR_RESCHEDULE if wait.method is None else TaskState.DEFERRED


def reason_of(wait: Wait) -> str:
    """What it waits for, in words."""
    most = f", at most until {wait.due_at}" if wait.due_at is not None else ""
    match wait.kind:
        case "until" if wait.method is None:
            return f"looks again at {wait.due_at}"
        case "until":
            return f"waits until {wait.due_at}"
        case "trigger":
            return f"waits for the trigger {wait.payload['class']}{most}"
        case "run":
            runs = wait.payload
            what = runs["group_id"] or ", ".join(runs["task_ids"])
            dates = ", ".join((*runs["run_ids"], *runs["logical_dates"]))
            return f"waits for {what + ' of ' if what else ''}{runs['dag_id']} ({dates}){most}"
    if not wait.payload:
        return f"waits until {wait.due_at}"
    return f"waits for an answer: {wait.payload.get('subject') or 'a person is asked'}{most}"


def result_when_due(wait: Wait) -> WaitResult:
    """How a wait ends when its moment has come."""
    if wait.kind == "until":
        return WaitResult(event=wait.payload.get("event"))
    return WaitResult(error=f"nothing came by {wait.due_at}", timed_out=True)


def resume_of(wait: Wait) -> dict[str, Any] | None:
    """What the next attempt goes on with (see :class:`tradewind.model.order.Order`); ``None``: ``execute`` again."""
    result = wait.result
    if wait.method is None or result is None:
        return None
    if result.error is not None:
        return {"method": FAIL, "error": result.error, "timed_out": result.timed_out}
    return {"method": wait.method, "kwargs": wait.method_kwargs, "event": result.event}


def resume(machine: Machine, run: LiveRun, number: int, payload: Any, reason: str = "") -> bool:
    """What an instance waited for has come from outside, a person's answer say; whether it was waited for.

    :param payload: the event, as plain JSON data.
    :param reason: what has come, for people.
    """
    return end(machine, run, number, WaitResult(event=json.dumps(payload)), reason)


def _limit(ended_at: datetime, timeout: float | None, give_up: datetime | None) -> datetime | None:
    if timeout is None:
        return give_up
    limit = ended_at + timedelta(seconds=timeout)
    return limit if give_up is None else min(limit, give_up)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Moments as text, tuples as lists: what JSON has."""
    moments = [moment.isoformat() for moment in fields["logical_dates"]]
    listed = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {**listed, "logical_dates": moments}
