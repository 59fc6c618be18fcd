"""Callbacks in a turn: requested with the change of state that calls for them, handed out as far as there is room, and
handed out again where nobody can say that they were called.

A request is an attempt of kind ``callback``, written in the transaction of the change. It holds no slot: what bounds
callbacks is a number of their own. Those that wait for it have no claim, so that a restart finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind.logic.callbacks import callback_of
from tradewind.logic.live_run import LiveRun
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted, Fact, XComPushed
from tradewind.model.ids import shard_of
from tradewind.model.outcomes import OUTCOME_NAMES, Failed
from tradewind.scheduler.memory import OpenAttempt
from tradewind.store.batch import Row
from tradewind.store.callbacks import row_of
from tradewind.store.tables import to_micros

if TYPE_CHECKING:
    from tradewind.scheduler.turn import Turn

DELIVERIES = 5  #: attempts that may be lost, or killed from outside, before a callback is given up


class Callbacks:
    """The callbacks of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._seen = 0  # transitions that were looked at

    def collect(self, fact: Fact | None = None) -> None:
        """Request what the changes of state since the last look call for.

        :param fact: what they follow from, where it is a fact.
        """
        transitions = self._turn.machine.delta.transitions
        outcome = fact.outcome if isinstance(fact, AttemptFinished) else None
        exceptions = outcome.exceptions if isinstance(outcome, Failed) else ()
        while self._seen < len(transitions):
            change = transitions[self._seen]
            self._seen += 1
            self._turn.inputs.follow(change)
            request = callback_of(change, exceptions)
            if request is not None:
                self.request(change.run, change.instance, request)

    def request(self, run: LiveRun, number: int | None, request: CallbackRequest, delivery: int = 1) -> None:
        """Write down that callbacks are to be called."""
        turn = self._turn
        attempt = OpenAttempt(
            turn.around.new_id(),
            run,
            -1 if number is None else number,
            self._executor(run, number),
            None,
            callback=request,
            delivery=delivery,
        )
        turn.memory.waiting_callbacks.append(attempt)
        turn.batch.new_attempts.append(self._row(attempt))
        turn.batch.callbacks.append(row_of(attempt.id, run.pk, request))

    def issue(self) -> None:
        """Hand out as many as there is room for, the oldest first. Tasks of this turn went before them."""
        turn = self._turn
        memory, around = turn.memory, turn.around
        if not memory.waiting_callbacks:
            return
        fresh = {row["id"]: row for row in turn.batch.new_attempts if row["kind"] == "callback"}
        kept: list[OpenAttempt] = []
        for attempt in memory.waiting_callbacks:
            executor = around.executors.get(attempt.executor)
            full = memory.callbacks_out[attempt.executor] >= around.callbacks_at_once
            if executor is None or not executor.capacity or full:
                kept.append(attempt)
                continue
            if executor.delivery == "once":
                attempt.session = executor.session
                claim = {"claimed_by": attempt.session, "claimed_at": turn.micros}
                if attempt.id in fresh:
                    fresh[attempt.id].update(claim)
                else:
                    turn.batch.claimed_attempts.append({"id": attempt.id, **claim})
            memory.attempts[attempt.id] = attempt
            memory.callbacks_out[attempt.executor] += 1
            turn.effects.issued.append(attempt)
        memory.waiting_callbacks.clear()
        memory.waiting_callbacks.extend(kept)

    def take(self, fact: Fact, attempt: OpenAttempt) -> None:
        """What became of an attempt at calling callbacks."""
        turn = self._turn
        match fact:
            case AttemptStarted():
                attempt.started = True
                row = {"id": attempt.id, "started_at": to_micros(fact.at), "host": fact.host, "pid": fact.pid}
                turn.batch.started_attempts.append(row)
            case XComPushed() if attempt.number >= 0:
                turn.keep_xcom(attempt, fact.xcom)
            case AttemptFinished():
                failed = fact.outcome if isinstance(fact.outcome, Failed) else None
                turn.close(
                    attempt,
                    OUTCOME_NAMES[type(fact.outcome)],
                    failed.reason if failed else "",
                    to_micros(fact.ended_at),
                    started_at=to_micros(fact.started_at) if fact.started_at else None,
                    host=fact.host or None,
                    pid=fact.pid or None,
                )
                # No exception was seen: the process was ended by something else than its own code or its time limit.
                if failed and not failed.exceptions and failed.retry != "never":
                    self._request_again(attempt)
            case AttemptLost():
                turn.close(attempt, "lost", fact.reason, turn.micros)
                self._request_again(attempt)

    def forget(self, run: LiveRun) -> None:
        """The run was put aside, and what was decided for it in this turn is not kept."""
        turn = self._turn
        before = turn.machine.delta.transitions[: self._seen]
        self._seen -= sum(change.run is run for change in before)
        gone = {
            row["id"]
            for row in turn.batch.new_attempts
            if row["run_pk"] == run.pk and row["kind"] == "callback"
        }
        if gone:
            batch, waiting = turn.batch, turn.memory.waiting_callbacks
            batch.new_attempts = [row for row in batch.new_attempts if row["id"] not in gone]
            batch.callbacks = [row for row in batch.callbacks if row["attempt_id"] not in gone]
            kept = [attempt for attempt in waiting if attempt.id not in gone]
            waiting.clear()
            waiting.extend(kept)

    def _request_again(self, attempt: OpenAttempt) -> None:
        if attempt.callback is not None and attempt.delivery < DELIVERIES:
            number = None if attempt.number < 0 else attempt.number
            self.request(attempt.run, number, attempt.callback, attempt.delivery + 1)

    def _executor(self, run: LiveRun, number: int | None) -> str:
        """Where the task runs; the run's own go where its DAG's tasks do."""
        of_task = None if number is None else run.task(number).executor
        return of_task or run.plan.spec.executor or self._turn.around.default_executor

    def _row(self, attempt: OpenAttempt) -> Row:
        request = attempt.callback
        assert request is not None
        return {
            "id": attempt.id,
            "kind": "callback",
            "ti_pk": attempt.run.pks[attempt.number] if attempt.number >= 0 else None,
            "run_pk": attempt.run.pk,
            "shard": shard_of(attempt.run.info.dag_id),
            "try_number": request.try_number,
            "physical_no": attempt.delivery,
            "executor": attempt.executor,
            "issued_at": self._turn.micros,
            "issued_epoch": 0,
            "claimed_by": None,
            "claimed_at": None,
            "log_path": callback_log_path(attempt.run, request),
        }


def callback_log_path(run: LiveRun, request: CallbackRequest) -> str:
    """Where the log of a callback is, below the log folder. No task id begins with ``@``."""
    place = f"{run.info.dag_id}/{run.info.run_id}"
    if request.of_run:
        number = "" if request.deadline is None else f".{request.deadline}"
        return f"{place}/@run/{request.event}{number}.log"
    folder = request.task_id if request.map_index < 0 else f"{request.task_id}/map_index={request.map_index}"
    return f"{place}/{folder}/{request.try_number}.{request.event}.log"
