"""What a turn makes of waits that began or ended: rows, slots in pools, and who is to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tradewind.logic import waiting
from tradewind.logic.live_run import LiveRun
from tradewind.model.facts import WaitEnded
from tradewind.model.states import TaskState
from tradewind.model.waits import Wait, WaitResult
from tradewind.scheduler.memory import Memory
from tradewind.store.batch import Row
from tradewind.store.tables import to_micros

if TYPE_CHECKING:
    from tradewind.scheduler.turn import Turn


def settle(turn: Turn) -> None:
    """Draw the consequences of waits that began or ended in the turn: rows, pools, and who is to be told."""
    delta, memory = turn.machine.delta, turn.memory
    for _, wait in delta.waited:
        memory.waiting.pop(wait.attempt_id, None)
        turn.batch.deleted_waits.append({"attempt_id": wait.attempt_id})
        turn.effects.ended_waits.append(wait)
    for run, number in delta.waiting:
        found = run.waits.get(number)
        if found is None:
            continue  # it was dropped in the same turn
        turn.batch.waits.append(_row(run, number, found))
        if found.result is not None:
            memory.waiting.pop(found.attempt_id, None)
            turn.effects.ended_waits.append(found)
        elif run.states[number] is TaskState.DEFERRED:
            keep(memory, run, number, turn.around.default_executor)
            turn.effects.begun_waits.append(found)


def ended(turn: Turn, fact: WaitEnded) -> None:
    """Apply a fact about a wait; one that is over already, or never was, changes nothing."""
    found = turn.memory.waiting.get(fact.attempt_id)
    if found is None:
        turn.refused_facts += 1
        return
    run, number = found
    turn.machine.cause = ("fact", fact.attempt_id)
    with turn.guarded(run, f"the end of a wait of {run.label(number)}"):
        waiting.end(turn.machine, run, number, WaitResult(event=fact.event, error=fact.error))


def keep(memory: Memory, run: LiveRun, number: int, default_executor: str) -> None:
    """An instance waits deferred: it is found by its wait's id, and counts towards a pool that wants it to.

    One that asked for a run of another DAG has no wait of its own (see :mod:`tradewind.logic.run_waits`).
    """
    if number in run.waits:
        memory.waiting[run.waits[number].attempt_id] = (run, number)
    if run.task(number).pool in memory.admission.ledger.keep_deferred:
        memory.admission.ledger.defer(memory.candidate(run, number, default_executor))


def recount(memory: Memory, default_executor: str) -> None:
    """Pools have changed: count deferred instances anew."""
    ledger = memory.admission.ledger
    for key in list(ledger.deferred):
        ledger.give_back(key)
    for run in memory.runs.values():  # those that asked for a run too, which have no wait
        for number, state in enumerate(run.states):
            if state is TaskState.DEFERRED:
                keep(memory, run, number, default_executor)


def _row(run: LiveRun, number: int, wait: Wait) -> Row:
    return {
        "attempt_id": wait.attempt_id,
        "run_pk": run.pk,
        "ti_pk": run.pks[number],
        "kind": wait.kind,
        "due_at": None if wait.due_at is None else to_micros(wait.due_at),
        "body": msgspec.json.encode(wait).decode(),
    }
