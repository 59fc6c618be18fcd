"""Faults in what every DAG needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tradewind.logic import machine as machine_module
from tradewind.logic import verdicts as verdicts_module
from tradewind.logic.admission import Admission, Ledger
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.model.facts import AttemptFinished
from tradewind.model.states import TaskState
from tradewind.scheduler import turn as turn_module
from tradewind.scheduler.dispatch import Dispatch
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.scheduler import Scheduler
from tradewind.scheduler.starting import Starting
from tradewind.scheduler.turn import Turn
from tradewind.store.attempts import AttemptRepository
from tradewind.store.writer import Writer

from .base import Method, fault

# -- claims and facts


@fault(Turn, "fact")
def fencing_removed(right: Method) -> Method:
    """Whoever reports is believed."""

    def fact(self: Turn, fact: Any, session: str) -> None:
        attempt = self.memory.attempts.get(fact.attempt_id)
        right(self, fact, attempt.session if attempt is not None else session)

    return fact


@fault(AttemptRepository, "claim")
def claims_given_to_everybody(right: Method) -> Method:
    """A worker may run what another has claimed."""
    return lambda self, attempt_id, session, at: right(self, attempt_id, session, at) or True


@fault(Turn, "close")
def duplicate_fact_accepted(right: Method) -> Method:
    """An attempt that has ended is listened to again."""

    def close(self: Turn, attempt: Any, *arguments: Any, **known: Any) -> None:
        right(self, attempt, *arguments, **known)
        self.memory.attempts[attempt.id] = attempt

    return close


@fault(Scheduler, "take_fact")
def every_ninth_fact_dropped(right: Method) -> Method:
    """A fact is acknowledged and forgotten."""
    seen = [0]

    def take_fact(self: Scheduler, fact: Any, session: str, acknowledge: Callable[[], None] | None) -> None:
        seen[0] += 1
        if seen[0] % 9:
            right(self, fact, session, acknowledge)
        elif acknowledge is not None:
            acknowledge()

    return take_fact


@fault(Scheduler, "take_fact")
def acknowledged_before_the_commit(right: Method) -> Method:
    """A fact is acknowledged when it comes in."""

    def take_fact(self: Scheduler, fact: Any, session: str, acknowledge: Callable[[], None] | None) -> None:
        right(self, fact, session, None)
        if acknowledge is not None:
            acknowledge()

    return take_fact


@fault(Turn, "_apply")
def an_outcome_applied_twice(right: Method) -> Method:
    """The outcome is applied twice."""

    def apply(self: Turn, fact: Any, attempt: Any) -> None:
        right(self, fact, attempt)
        if isinstance(fact, AttemptFinished) and attempt.run.states[attempt.number] is TaskState.SUCCESS:
            self.machine.finished(attempt.run, attempt.number, fact.outcome, fact.started_at, fact.ended_at)

    return apply


# -- commits


@fault(Writer, "commit")
def nothing_is_committed_now_and_then(right: Method) -> Method:
    """Every twentieth commit is a rollback that nobody hears of."""
    commits = [0]

    def commit(self: Writer) -> None:
        commits[0] += 1
        if commits[0] % 20:
            right(self)
        else:
            self.rollback()

    return commit


@fault(Turn, "_issue")
def dispatched_before_the_commit(right: Method) -> Method:
    """Orders go out while the turn is still deciding."""

    def issue(self: Turn) -> None:
        right(self)
        for attempt in self.effects.issued:
            dispatch = self.around.executors[attempt.executor]
            host = getattr(dispatch, "host", None)
            if host is not None:
                host._dispatch.submit(attempt)

    return issue


@fault(Scheduler, "_failed_to_commit")
def memory_kept_after_a_failed_commit(right: Method) -> Method:
    """What was decided is believed, though nothing of it is in the store."""

    def failed(self: Scheduler, error: Any, facts: Any, turn: Turn) -> None:
        self._writer.rollback()
        self._facts = facts + self._facts

    return failed


@fault(Dispatch, "catch_up")
def nothing_caught_up_with(right: Method) -> Method:
    """After a crash, or a commit of unknown end, nobody looks what was left undone."""
    return lambda self, cancels=(): None


# -- state read back


@fault(LiveRun, "recount")
def counts_not_read_back(right: Method) -> Method:
    """After a restart, a task thinks that one upstream task less has ended."""

    def recount(self: LiveRun) -> None:
        right(self)
        for column in self.counts:
            column[:] = [max(0, number - 1) for number in column]

    return recount


@fault(LiveRun, "_count")
def a_counter_off_by_one(right: Method) -> Method:
    """A task that succeeded counts twice."""

    def count(self: LiveRun, number: int, state: TaskState, by: int) -> None:
        right(self, number, state, 2 * by if state is TaskState.SUCCESS else by)

    return count


@fault(Scheduler, "_take_up", within=150)
def due_times_lost_after_a_restart(right: Method) -> Method:
    """What waited for its time when the scheduler died waits for ever."""

    def take_up(self: Scheduler, run: LiveRun) -> None:
        due, run.due_at = run.due_at, [None] * len(run.due_at)
        try:
            right(self, run)
        finally:
            run.due_at = due

    return take_up


@fault(Loading, "_take_up_attempts")
def attempts_forgotten_after_a_restart(right: Method) -> Method:
    """Open attempts are not read back."""
    return lambda self, memory: None


@fault(Scheduler, "_take_up")
def slots_in_use_forgotten_after_a_restart(right: Method) -> Method:
    """What runs holds no slot any more once the scheduler was started anew."""

    def take_up(self: Scheduler, run: LiveRun) -> None:
        right(self, run)
        self.memory.admission.ledger.used.clear()

    return take_up


# -- schedules


@fault(turn_module, "planned_after", within=100)
def cursor_not_moved(right: Method) -> Method:
    """Each look at a schedule skips a run."""

    def planned_after(dag: Any, now: Any) -> Any:
        planned = right(dag, now)
        if planned is not None and dag.cursor is not None and dag.cursor.end == planned.interval.start:
            dag.cursor = planned.interval
            return right(dag, now)
        return planned

    return planned_after


@fault(turn_module, "planned_after")
def runs_made_before_they_are_due(right: Method) -> Method:
    """A schedule is an hour early, and past its end date."""
    return lambda dag, now: right(dag, now + timedelta(hours=1)) if dag.cursor is None else None


@fault(Turn, "follow_schedules")
def due_runs_are_not_made(right: Method) -> Method:
    """A DAG's schedule is looked at when the scheduler starts, and not again."""

    def follow(self: Turn) -> None:
        if not self.effects.started_runs:
            right(self)

    return follow


# -- limits


@fault(Ledger, "take")
def limits_counted_one_short(right: Method) -> Method:
    """Each second instance takes no slot."""

    def take(self: Ledger, candidate: Any) -> None:
        right(self, candidate)
        if len(self.admitted) % 2:
            for limit, wanted, _, _ in self._limits(candidate):
                self.used[limit] -= wanted

    return take


@fault(Admission, "_call_next")
def nobody_called_when_a_slot_is_free(right: Method) -> Method:
    """A line stands still."""
    return lambda self, limit: None


@fault(Starting, "_run_ended")
def a_run_gives_its_place_back_twice(right: Method) -> Method:
    """More runs are active than allowed."""

    def run_ended(self: Starting, run: LiveRun) -> None:
        right(self, run)
        self._turn.memory.dags[run.info.dag_id].active -= 1

    return run_ended


# -- tasks


@fault(machine_module, "may_retry")
def one_try_too_many(right: Method) -> Method:
    """A counter is off by one."""
    return lambda try_number, max_tries: try_number <= max_tries + 1


@fault(machine_module, "wait_before_retry")
def retries_do_not_wait(right: Method) -> Method:
    """The delay is left out."""
    return lambda *arguments: 0.0


@fault(Machine, "lost")
def at_most_once_forgotten(right: Method) -> Method:
    """A lost attempt is repeated, whatever the author asked for."""

    def lost(self: Machine, run: LiveRun, number: int, may_have_run: bool, reason: str) -> None:
        right(self, run, number, False, reason)

    return lost


@fault(verdicts_module, "undecided_choosers")
def branches_not_waited_for(right: Method) -> Method:
    """A task is decided for before a branch beside it has chosen."""
    return lambda run, number: []


@fault(Machine, "_branch")
def branch_choice_ignored(right: Method) -> Method:
    """All go on, whatever the branch chose."""

    def branch(self: Machine, run: LiveRun, number: int, outcome: Any, attempt_id: str | None) -> None:
        self.end_instance(run, number, TaskState.SUCCESS, "", attempt_id)

    return branch


@fault(Machine, "_check_end")
def runs_always_succeed(right: Method) -> Method:
    """A run's state does not look at its leaves."""

    def check_end(self: Machine, run: LiveRun) -> None:
        leaves, run.plan.leaves = run.plan.leaves, frozenset()
        try:
            right(self, run)
        finally:
            run.plan.leaves = leaves

    return check_end


@fault(Machine, "_decide")
def final_states_decided_anew(right: Method) -> Method:
    """A task that was skipped is looked at again."""

    def decide(self: Machine, run: LiveRun, number: int) -> bool:
        ended = right(self, run, number)
        if ended and run.states[number] is TaskState.SKIPPED:
            self.move(run, number, TaskState.SUCCESS, "on second thoughts")
        return ended

    return decide


@fault(Machine, "move")
def reasons_left_out(right: Method) -> Method:
    """Nobody says why."""

    def move(
        self: Machine, run: LiveRun, number: int, state: Any, reason: str, attempt_id: Any = None
    ) -> None:
        right(self, run, number, state, "", attempt_id)

    return move


@fault(Machine, "started")
def started_facts_are_not_kept(right: Method) -> Method:
    """An attempt that has begun is taken for one that has not."""
    return lambda self, run, number, at: None
