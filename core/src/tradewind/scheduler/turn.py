"""One turn of the scheduler: facts, commands and due times in; one batch of rows and things to do out."""

from __future__ import annotations

import traceback
from contextlib import suppress
from datetime import datetime

from tradewind.errors import Conflict, StoreError
from tradewind.logic import mapping
from tradewind.logic.admission import Limit
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.model.facts import (
    INSTANCE_NAME,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Fact,
    WaitEnded,
    WatcherFired,
    XCom,
    XComPushed,
)
from tradewind.model.ids import shard_of
from tradewind.model.outcomes import OUTCOME_NAMES, Failed, Outcome, Skipped
from tradewind.model.run import RunInfo
from tradewind.model.states import RUN_FINAL, RunState, TaskState
from tradewind.ports.runtime import RETURN_VALUE
from tradewind.scheduler import waits
from tradewind.scheduler.callbacks import Callbacks
from tradewind.scheduler.deadlines import Deadlines
from tradewind.scheduler.human_input import HumanInput
from tradewind.scheduler.memory import LiveDag, Memory, OpenAttempt, planned_after
from tradewind.scheduler.rows import (
    add_transitions,
    dag_row,
    ended_attempt_row,
    expanded_rows,
    log_path,
    new_instance_rows,
    new_run_row,
    xcom_row,
)
from tradewind.scheduler.starting import Starting
from tradewind.scheduler.surroundings import Effects, Surroundings
from tradewind.store.batch import Batch
from tradewind.store.tables import to_micros
from tradewind.timetables import PlannedRun


class Turn:
    """Applies what happened, in order. Nothing is durable before the caller commits."""

    def __init__(self, memory: Memory, now: datetime, around: Surroundings) -> None:
        self.memory = memory
        self.now = now
        self.micros = to_micros(now)
        self.around = around
        memory.past.turn_begins()
        self.machine = Machine(now, memory.past)
        self.machine.max_map_length = around.max_map_length
        self.batch = Batch()
        self.effects = Effects()
        self.callbacks, self.deadlines, self.inputs = Callbacks(self), Deadlines(self), HumanInput(self)
        self.refused_facts = 0
        self.made: set[tuple[str, str]] = set()  #: DAG and run ids of the runs that were made in this turn
        self.ended: list[tuple[OpenAttempt, Outcome, TaskState | None]] = []  #: with the state that it led to
        self.fired: list[WatcherFired] = []
        self.touched: dict[str, LiveDag] = {}
        self._let_go: list[LiveRun] = []
        self.starting = Starting(self)

    # -- what happened ---------------------------------------------------------------------------------------

    def fact(self, fact: Fact, session: str) -> None:
        """A fact; one whose sender does not hold the attempt's claim changes nothing, nor one about an attempt that was
        revoked, be it by the fact before."""
        if isinstance(fact, WaitEnded):
            waits.ended(self, fact)
            return
        if isinstance(fact, WatcherFired):
            self.fired.append(fact)
            return
        attempt = self.memory.attempts.get(fact.attempt_id)
        if attempt is None or self.around.claimed_by(attempt) != session:
            self.refused_facts += 1
            return
        if attempt.callback is not None:
            self.callbacks.take(fact, attempt)
            return
        if attempt.run.attempt_id[attempt.number] != attempt.id:
            self.refused_facts += 1
            return
        self.machine.cause = ("fact", attempt.id)
        with self.guarded(attempt.run, f"a fact about {attempt.run.label(attempt.number)}"):
            self._apply(fact, attempt)
            self.callbacks.collect(fact)

    def _apply(self, fact: Fact, attempt: OpenAttempt) -> None:
        run, number = attempt.run, attempt.number
        match fact:
            case AttemptStarted():
                attempt.started = True
                row = {"id": attempt.id, "started_at": to_micros(fact.at), "host": fact.host, "pid": fact.pid}
                self.batch.started_attempts.append(row)
                self.machine.started(run, number, fact.at)
            case XComPushed():
                self.keep_xcom(attempt, fact.xcom)
            case AttemptFinished():
                for xcom in fact.xcoms:
                    self.keep_xcom(attempt, xcom)
                started = to_micros(fact.started_at) if fact.started_at else None
                self.close(
                    attempt,
                    OUTCOME_NAMES[type(fact.outcome)],
                    fact.outcome.reason if isinstance(fact.outcome, Failed | Skipped) else "",
                    to_micros(fact.ended_at),
                    started_at=started,
                    host=fact.host or None,
                    pid=fact.pid or None,
                )
                outcome = self.inputs.checked(fact.outcome)
                self.machine.finished(run, number, outcome, fact.started_at, fact.ended_at)
                self.inputs.asked(run, number, attempt.id, outcome)
                self.ended.append((attempt, outcome, run.states[number]))
            case AttemptLost():
                self.close(attempt, "lost", fact.reason, self.micros)
                self.machine.lost(run, number, attempt.started, fact.reason)

    def due(self, run_pk: int, number: int) -> None:
        """An instance's waiting time may be over."""
        run = self.memory.runs.get(run_pk)
        # a run that took another version may have no such instance any more
        moment = run.due_at[number] if run is not None and number < len(run.due_at) else None
        if run is not None and moment is not None and moment <= self.now:
            self.machine.cause = ("clock", None)
            with self.guarded(run, "a due time"):
                self.inputs.due(run, number)
                self.machine.due(run, number)

    def run_due(self, run_pk: int) -> None:
        """A run may have reached its time limit."""
        run = self.memory.runs.get(run_pk)
        if run is None or run.state is not RunState.RUNNING or run.start_date is None:
            return
        limit = run.plan.spec.dagrun_timeout
        if limit is not None and (self.now - run.start_date).total_seconds() >= limit:
            self.machine.cause = ("clock", None)
            with self.guarded(run, "a time limit"):
                self.machine.time_out(run)

    def resume(self, run_pk: int) -> None:
        """After a start: an instance may have waited for an earlier run, which is written nowhere."""
        run = self.memory.runs.get(run_pk)
        if run is not None:
            self.machine.cause = ("clock", None)
            with self.guarded(run, "taking it up again"):
                self.machine.resume(run)

    # -- runs ------------------------------------------------------------------------------------------------

    def create_run(self, dag: LiveDag, info: RunInfo, *, even_if_paused: bool = False) -> LiveRun:
        """Make a run; it is queued, and starts in this turn if there is room.

        :raises Conflict: where the DAG has that run already.
        """
        plan = self.memory.plans[info.version_id]
        row = new_run_row(info, self.now, even_if_paused=even_if_paused)
        pk, pks = self.around.writer.insert_run(row, new_instance_rows(plan.spec))
        self.made.add((info.dag_id, info.run_id))
        run = LiveRun(plan, pk, info, pks, even_if_paused)
        self.memory.runs[pk] = run
        self.memory.past.made(info, pk)
        self.starting.new.append(run)
        dag.queued.append(run)
        self.touch(dag)
        self.deadlines.made(run)
        return run

    def follow_schedules(self) -> None:
        """Make the runs that are due."""
        if self.around.makes_runs:
            for dag in list(self.touched.values()):
                self._follow_schedule(dag)

    def _follow_schedule(self, dag: LiveDag) -> None:
        noted = dag.planned is not None and dag.watched == dag.planned.run_after > self.now
        if noted and dag.planned_for == dag.standing:
            return  # a run has ended, say; that moves no date
        dag.planned = planned_after(dag, self.now)
        while dag.planned is not None and dag.planned.run_after <= self.now and dag.may_make_run:
            if self.around.catch_ups.holds(dag, self.now):
                break
            self.make_scheduled(dag, dag.planned)
            dag.planned = planned_after(dag, self.now)
        dag.planned_for = dag.standing
        self.batch.dags.append(dag_row(dag))
        self.effects.planned.append(dag)

    def make_scheduled(self, dag: LiveDag, planned: PlannedRun) -> None:
        """Make the DAG's scheduled run, and go on from there."""
        with suppress(Conflict):  # somebody made this very run by hand
            self.create_run(dag, dag.scheduled(planned))
        dag.cursor, dag.planned = planned.interval, None

    def let_go(self, run: LiveRun) -> None:
        """The run need not stay in memory, if it is over when the turn is; the store does not know of the turn before."""
        self._let_go.append(run)

    def touch(self, dag: LiveDag) -> None:
        """Look at the DAG's runs and schedule at the end of this turn."""
        self.touched[dag.dag_id] = dag

    # -- the end of a turn -----------------------------------------------------------------------------------

    def finish(self, *, starts: bool = True) -> None:
        """Draw the consequences: runs that start, attempts that are issued, rows to write.

        :param starts: whether runs and attempts may start; not so where a command is applied without a scheduler.
        """
        if starts:
            self.starting.go_on()
            self.follow_schedules()
            self.starting.go_on()
        self.starting.lighten()
        self.callbacks.collect()
        delta = self.machine.delta
        self.deadlines.ended(delta.ended_runs)
        self.insert_instances()
        for attempt_id, reason in delta.cancels:
            if attempt_id in self.memory.attempts:
                self.effects.cancels.append((self.memory.attempts[attempt_id], reason))
        for attempt_id, reason in delta.revoked:
            attempt = self.memory.attempts.get(attempt_id)
            if attempt is not None:
                self.effects.cancels.append((attempt, reason))
                self.close(attempt, "revoked", reason, self.micros)
        admission = self.memory.admission
        for run, number in delta.released:
            admission.release((run.pk, number))
        if delta.waiting or delta.waited:
            waits.settle(self)
        for run, number in delta.ready:
            if run.states[number] is TaskState.SCHEDULED and run.pk in self.memory.runs:
                admission.add(self.memory.candidate(run, number, self.around.default_executor))
        self.effects.waits = [(run, number) for run, number in delta.waits if run.state not in RUN_FINAL]
        if starts:
            self._issue()
            self.callbacks.issue()
        for run in self._let_go:
            if run.state in RUN_FINAL:
                self.memory.forget_run(run)
        add_transitions(self.batch, delta.transitions, self.memory.last_transition, self.micros)

    def _issue(self) -> None:
        """Give attempts to those that admission lets pass."""
        admission = self.memory.admission
        for name, executor in self.around.executors.items():
            if admission.ledger.executors.get(name) != executor.capacity:
                admission.ledger.executors[name] = executor.capacity
                admission.lift(Limit("executor", name))
                admission.lift(Limit("executor too small", name))
        for candidate in admission.admit():
            run, number = self.memory.runs[candidate.run_pk], candidate.key[1]
            executor = self.around.executors[candidate.executor]
            session = executor.session if executor.delivery == "once" else None
            attempt = OpenAttempt(self.around.new_id(), run, number, candidate.executor, session)
            self.memory.attempts[attempt.id] = attempt
            self.effects.issued.append(attempt)
            self.machine.cause = ("clock", None)
            self.machine.queued(run, number, attempt.id, "it has its slot")
            if run.try_numbers[number] > 1 and number not in run.losses and number not in run.waits:
                mapping.forget_left(run, number)
                self.batch.deleted_xcoms.append(
                    {"run_pk": run.pk, "task_id": candidate.task_id, "map_index": run.map_index(number)}
                )
            self.batch.new_attempts.append(self._attempt_row(attempt))

    def insert_instances(self) -> None:
        """Rows for the new instances of mapped tasks; the first of a task takes the row of the task as a whole."""
        new: dict[int, tuple[LiveRun, list[int]]] = {}
        for run, number in self.machine.delta.expanded:
            if run.pks[number]:
                self.batch.expanded.append({"pk": run.pks[number]})
            else:
                new.setdefault(run.pk, (run, []))[1].append(number)
        for run, numbers in new.values():
            pks = self.around.writer.insert_task_instances(run.pk, expanded_rows(run, numbers))
            for number, pk in zip(numbers, pks, strict=True):
                run.pks[number] = pk
                run.dirty.discard(number)
        self.machine.delta.expanded.clear()

    def _attempt_row(self, attempt: OpenAttempt) -> dict[str, object]:
        run, number = attempt.run, attempt.number
        return {
            "id": attempt.id,
            "kind": "task",
            "ti_pk": run.pks[number],
            "run_pk": run.pk,
            "shard": shard_of(run.info.dag_id),
            "try_number": run.try_numbers[number],
            "physical_no": run.losses.get(number, 0) + 1,
            "executor": attempt.executor,
            "issued_at": self.micros,
            "issued_epoch": 0,
            "claimed_by": attempt.session,
            "claimed_at": self.micros if attempt.session else None,
            "log_path": log_path(run, number),
        }

    # -- inside ----------------------------------------------------------------------------------------------

    def keep_xcom(self, attempt: OpenAttempt, xcom: XCom) -> None:
        """Keep a value that the attempt left."""
        run, number = attempt.run, attempt.number
        if xcom.key == INSTANCE_NAME:
            self.batch.instance_names.append({"pk": run.pks[number], "name": xcom.value.decode()})
            return
        self.batch.xcoms.append(xcom_row(run, number, xcom, attempt.id, self.micros))
        if xcom.key == RETURN_VALUE and run.plan.mapped_over:
            mapping.left(run, number, xcom.length)
        if xcom.backend is None:
            place = (run.task(number).task_id, xcom.key, run.map_index(number))
            self.memory.remember_xcom(run.pk, place, xcom.value)

    def close(self, attempt: OpenAttempt, outcome: str, reason: str, at: int, **known: object) -> None:
        """The attempt has ended."""
        if self.memory.attempts.pop(attempt.id, None) is not None and attempt.callback is not None:
            self.memory.callbacks_out[attempt.executor] -= 1
        self.batch.ended_attempts.append(ended_attempt_row(attempt.id, at, outcome, reason, **known))

    def guarded(self, run: LiveRun, what: str) -> _Guard:
        """A block in which an error puts the run aside, and hurts nothing else."""
        return _Guard(self, run, what)

    def park(self, run: LiveRun, what: str, error: BaseException) -> None:
        """Put a run aside: nothing more is decided for it until the scheduler starts anew."""
        text = "".join(traceback.format_exception(error))
        self.batch.problems.append({"run_pk": run.pk, "what": what, "traceback": text, "at": self.micros})
        self.memory.parked.add(run.pk)
        self.memory.forget_run(run)
        self.callbacks.forget(run)
        for attempt in [it for it in self.memory.attempts.values() if it.run is run and not it.callback]:
            del self.memory.attempts[attempt.id]
        delta = self.machine.delta
        for name in ("ready", "released", "waits", "expanded", "waiting", "waited"):
            setattr(delta, name, [item for item in getattr(delta, name) if item[0] is not run])
        delta.transitions = [item for item in delta.transitions if item.run is not run]
        self.starting.woken = 0  # being told twice does no harm


class _Guard:
    """Parks the run when its block raises."""

    __slots__ = ("_run", "_turn", "_what")

    def __init__(self, turn: Turn, run: LiveRun, what: str) -> None:
        self._turn, self._run, self._what = turn, run, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception) or isinstance(error, StoreError):
            return False
        self._turn.park(self._run, self._what, error)
        return True
