"""The state machine of a run: what follows from a fact. The only place that changes states.

Every function takes the run, what happened and the time, changes the run at once, and adds to a :class:`Delta` what
the scheduler has to write and do. If that cannot be committed, the run is dropped from memory and read back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradewind.logic import expansion, waiting
from tradewind.logic.live_run import LiveRun, Transition
from tradewind.logic.retries import judged, may_retry, wait_before_retry
from tradewind.logic.verdicts import verdict_of
from tradewind.model.outcomes import (
    AwaitsInput,
    Branched,
    Deferred,
    Failed,
    Outcome,
    Rescheduled,
    Skipped,
    Succeeded,
    TriggersRun,
)
from tradewind.model.states import RUN_FINAL, TASK_ACTIVE, TASK_FINAL, RunState, TaskState
from tradewind.model.waits import Wait

LOSSES_BEFORE_FAILURE = 3  #: attempts in a row that may be lost before they began, before a try is used up

#: A branch's choice counts for tasks that have not begun
_BRANCH_MAY_SKIP = (None, TaskState.SCHEDULED, TaskState.QUEUED)

#: What is ended in these fails; what has not come as far is skipped
_BEGUN = (TaskState.RUNNING, TaskState.RESTARTING, TaskState.DEFERRED, TaskState.UP_FOR_RESCHEDULE)

Past = Callable[[LiveRun, int], str | None]
"""Why an instance has to wait for earlier runs of its DAG, or ``None`` where it has not."""


def no_past(run: LiveRun, number: int) -> str | None:
    """Earlier runs do not matter."""
    return None


@dataclass(slots=True)
class Delta:
    """What a step decided."""

    transitions: list[Transition] = field(default_factory=list)
    #: instances that may start as far as their dependencies go, in the order in which they became ready
    ready: list[tuple[LiveRun, int]] = field(default_factory=list)
    #: instances that were ready, or active, and are no longer
    released: list[tuple[LiveRun, int]] = field(default_factory=list)
    #: (run, instance) that go on at their ``due_at``
    waits: list[tuple[LiveRun, int]] = field(default_factory=list)
    #: instances whose wait began, or ended and is gone on with
    waiting: list[tuple[LiveRun, int]] = field(default_factory=list)
    #: waits that are over and done with
    waited: list[tuple[LiveRun, Wait]] = field(default_factory=list)
    #: (attempt id, reason): attempts to end, whose end is waited for
    cancels: list[tuple[str, str]] = field(default_factory=list)
    #: (attempt id, reason): attempts to end, and not to be listened to any more
    revoked: list[tuple[str, str]] = field(default_factory=list)
    ended_runs: list[LiveRun] = field(default_factory=list)
    #: (run, new instance): instances of mapped tasks that have no row in the store yet
    expanded: list[tuple[LiveRun, int]] = field(default_factory=list)


class Machine:
    """Decides for the runs of one scheduler turn, collecting everything in one :class:`Delta`.

    :param now: the time of the turn.
    :param past: answers whether earlier runs hold an instance back.
    """

    def __init__(self, now: datetime, past: Past = no_past) -> None:
        self.now = now
        self.past = past
        self.delta = Delta()
        #: what is being applied: kind and id, recorded with every transition that follows from it
        self.cause: tuple[str, str | None] = ("clock", None)
        self.max_map_length = expansion.MAX_MAP_LENGTH
        self.fresh: list[int] = []  # instances to look at besides those that lie behind what ended

    # -- runs ------------------------------------------------------------------------------------------------

    def begin(self, run: LiveRun, reason: str = "") -> None:
        """The run may start: look at every task that needs nothing before it."""
        run.start_date = run.start_date or self.now
        self.move_run(run, RunState.RUNNING, reason)
        if run.unfinished == len(run.plan) and not run.blocks:
            self.consider(run, run.plan.starters)
        else:
            self.resume(run)

    def resume(self, run: LiveRun) -> None:
        """Look at every instance that has no state yet: after a restart, a clear or a change outside of the run."""
        self.consider(run, [number for number in run.numbers() if run.states[number] is None])

    def look_again(self, run: LiveRun, number: int) -> None:
        """What held the instance back outside of its run may be gone."""
        self.consider(run, (number,))

    def time_out(self, run: LiveRun) -> None:
        """The run's ``dagrun_timeout`` is over: it fails, and whatever has not ended is skipped."""
        limit = run.plan.spec.dagrun_timeout
        self.end_run(run, RunState.FAILED, f"dagrun_timeout of {limit:g} s is over", TaskState.SKIPPED)

    def end_run(self, run: LiveRun, state: RunState, reason: str, rest: TaskState) -> None:
        """End the run now: instances that run are ended as ``failed``; those that have not begun get the state ``rest``."""
        for number in run.numbers():
            old = run.states[number]
            if old not in TASK_FINAL:
                begun = old in _BEGUN
                self.drop_attempt(run, number, reason)
                self.move(run, number, TaskState.FAILED if begun else rest, reason)
        self.finish_run(run, state, reason, outright=True)

    def stop(self, run: LiveRun, reason: str) -> None:
        """Nothing but teardowns begins any more, what runs is ended, and the run ends failed after that."""
        if run.stopped_by is None:
            run.stopped_by, run.run_dirty = reason, True
        teardowns = run.plan.scopes.teardowns
        for number in run.numbers():
            state = run.states[number]
            if state not in TASK_FINAL and run.task_of(number) not in teardowns:
                begun = state in _BEGUN
                self.drop_attempt(run, number, reason)
                self.move(run, number, TaskState.FAILED if begun else TaskState.SKIPPED, reason)
        self.consider(run, run.spread(teardowns))

    # -- facts -----------------------------------------------------------------------------------------------

    def queued(self, run: LiveRun, number: int, attempt_id: str, reason: str) -> None:
        """The instance got its slot: ``attempt_id`` will be handed to an executor."""
        run.attempt_id[number] = attempt_id
        self.move(run, number, TaskState.QUEUED, reason, attempt_id)

    def started(self, run: LiveRun, number: int, at: datetime) -> None:
        """The attempt's process has begun."""
        run.losses.pop(number, None)
        if run.states[number] is TaskState.QUEUED:
            if run.start_dates[number] is None:
                run.start_dates[number] = at
            self.move(run, number, TaskState.RUNNING, "its process has started", run.attempt_id[number])

    def finished(
        self, run: LiveRun, number: int, outcome: Outcome, started_at: datetime | None, ended_at: datetime
    ) -> None:
        """The attempt ended."""
        attempt_id = run.attempt_id[number]
        run.losses.pop(number, None)
        if started_at is not None and run.start_dates[number] is None:
            run.start_dates[number] = started_at
        run.end_dates[number] = ended_at
        self.delta.released.append((run, number))
        if run.states[number] is TaskState.RESTARTING:
            run.max_tries[number] = run.try_numbers[number] + run.task(number).retries
            self.move(run, number, None, "its attempt ended after it was cleared", attempt_id)
            self.consider(run, (number,))
            return
        match outcome:
            case Succeeded():
                self.end_instance(run, number, TaskState.SUCCESS, "", attempt_id)
            case Branched():
                self._branch(run, number, outcome, attempt_id)
            case Skipped():
                self.end_instance(run, number, TaskState.SKIPPED, outcome.reason, attempt_id)
            case Failed():
                self._failed(run, number, outcome, attempt_id)
            case Rescheduled() | Deferred() | AwaitsInput() | TriggersRun():
                waiting.begin(self, run, number, outcome, ended_at)

    def lost(self, run: LiveRun, number: int, may_have_run: bool, reason: str) -> None:
        """Nobody can say what became of the attempt.

        Lost before it began, the same try gets another attempt, a few times; lost after, the try is used up.
        """
        task = run.task(number)
        if task.at_most_once and may_have_run:
            why = f"{reason}; it may have run, and at_most_once forbids another attempt"
            self.finished(run, number, Failed(why, retry="never"), None, self.now)
        elif may_have_run:
            self.finished(run, number, Failed(reason), None, self.now)
        elif run.losses.get(number, 0) + 1 >= LOSSES_BEFORE_FAILURE:
            why = f"{reason}; {LOSSES_BEFORE_FAILURE} attempts in a row were lost before they began"
            self.finished(run, number, Failed(why), None, self.now)
        elif run.states[number] is TaskState.RESTARTING:
            self.finished(run, number, Failed(reason), None, self.now)
        else:
            run.losses[number] = run.losses.get(number, 0) + 1
            self.delta.released.append((run, number))
            self.schedule(run, number, f"{reason}; it had not begun")

    def due(self, run: LiveRun, number: int) -> None:
        """The time that the instance waited for has come."""
        if run.states[number] is TaskState.UP_FOR_RETRY:
            self._next_try(run, number, "its waiting time is over")
        else:
            waiting.due(self, run, number)

    # -- what the modules beside this one decide with: they too change states through here alone -------------

    def schedule(self, run: LiveRun, number: int, reason: str) -> None:
        """The instance may start, or go on with its try, as soon as there is a slot."""
        run.due_at[number] = None
        run.attempt_id[number] = None
        self.move(run, number, TaskState.SCHEDULED, reason)
        self.delta.ready.append((run, number))

    def consider(self, run: LiveRun, numbers: Iterable[int]) -> None:
        """Look at instances without a state, and at what lies behind those that end at once."""
        queue = deque(numbers)
        while queue:
            number = queue.popleft()
            if run.states[number] is not None or run.state is not RunState.RUNNING or number in run.blocks:
                continue
            if self._decide(run, number):
                if run.states[number] is TaskState.FAILED:
                    self._fail_fast(run, number)
                queue.extend(run.behind(number))
            if self.fresh:
                queue.extend(self.fresh)
                self.fresh = []
        self._check_end(run)

    def end_instance(
        self, run: LiveRun, number: int, state: TaskState, reason: str, attempt_id: str | None
    ) -> None:
        """An instance reached a final state: look at what lies directly behind it."""
        self.move(run, number, state, reason, attempt_id)
        self.consider(run, run.behind(number))

    def finish_run(self, run: LiveRun, state: RunState, reason: str, *, outright: bool = False) -> None:
        if run.state not in RUN_FINAL:  # it gives its place back once, however often it is marked afterwards
            self.delta.ended_runs.append(run)
        run.end_date = self.now
        self.move_run(run, state, reason)
        self.delta.transitions[-1].outright = outright

    def drop_attempt(self, run: LiveRun, number: int, reason: str) -> None:
        """The instance's attempt, if it has an open one, is ended and no longer listened to."""
        attempt_id = run.attempt_id[number]
        if run.states[number] in TASK_ACTIVE and attempt_id is not None:
            self.delta.revoked.append((attempt_id, reason))
            run.attempt_id[number] = None
        if run.states[number] in TASK_ACTIVE | {TaskState.SCHEDULED, TaskState.DEFERRED}:
            self.delta.released.append((run, number))

    def move(
        self, run: LiveRun, number: int, state: TaskState | None, reason: str, attempt_id: str | None = None
    ) -> None:
        old = run.states[number]
        if number in run.waits and state not in waiting.KEEPS_WAIT:
            self.delta.waited.append((run, run.waits.pop(number)))
        run.move(number, state)
        run.reasons[number] = reason
        self.delta.transitions.append(Transition(run, number, old, state, reason, attempt_id, *self.cause))

    def move_run(self, run: LiveRun, state: RunState, reason: str) -> None:
        old = run.state
        run.state, run.reason, run.run_dirty = state, reason, True
        self.delta.transitions.append(Transition(run, None, old, state, reason, None, *self.cause))

    # -- inside ----------------------------------------------------------------------------------------------

    def _next_try(self, run: LiveRun, number: int, reason: str) -> None:
        """The instance may start another try."""
        run.try_numbers[number] += 1
        run.start_dates[number] = run.end_dates[number] = None
        self.schedule(run, number, reason)

    def _decide(self, run: LiveRun, number: int) -> bool:
        """Decide for an instance without a state; whether it ended on the spot."""
        task = run.task(number)
        if number >= len(run.plan) and expansion.is_left_over(self, run, number):
            return True
        if run.branches:
            for decider in run.before(number):
                if decider in run.branches and number in run.skipped_by_branch(decider):
                    self.move(run, number, TaskState.SKIPPED, f"{run.label(decider)} chose other tasks")
                    return True
        verdict = verdict_of(run, number, self.max_map_length)
        if not verdict.settled:
            return False
        if verdict.set_state is not None:
            self.move(run, number, verdict.set_state, verdict.reason)
            return True
        if verdict.run and expansion.is_whole(run, number):
            expansion.expand_whole(self, run, number)
            return False
        if not verdict.run or self.past(run, number) is not None:
            return False
        if task.runs_code:
            self._next_try(run, number, verdict.reason)
            return False
        run.try_numbers[number] += 1
        run.start_dates[number] = run.end_dates[number] = self.now
        self.move(run, number, TaskState.SUCCESS, f"{verdict.reason}; it has nothing to execute")
        return True

    def _branch(self, run: LiveRun, number: int, outcome: Branched, attempt_id: str | None) -> None:
        run.branches[number] = outcome
        self.move(run, number, TaskState.SUCCESS, outcome.reason, attempt_id)
        reason = outcome.reason or f"{run.label(number)} chose {', '.join(outcome.follow) or 'none of them'}"
        skipped = sorted(run.skipped_by_branch(number))
        for other in skipped:
            if run.states[other] in _BRANCH_MAY_SKIP:
                self.drop_attempt(run, other, reason)
                self.move(run, other, TaskState.SKIPPED, reason)
        behind = [after for other in skipped for after in run.behind(other)]
        self.consider(run, [*run.behind(number), *behind])

    def _failed(self, run: LiveRun, number: int, outcome: Failed, attempt_id: str | None) -> None:
        task = run.task(number)
        try_number, max_tries = run.try_numbers[number], run.max_tries[number]
        outcome = judged(task, outcome)
        may_go_on = run.stopped_by is None or task.is_teardown
        if outcome.retry != "never" and may_retry(try_number, max_tries) and may_go_on:
            seed = f"{run.info.dag_id}#{run.label(number)}#{run.info.run_id}"
            asked = outcome.retry_delay
            wait = asked if asked is not None else wait_before_retry(task, try_number, seed)
            run.due_at[number] = (run.end_dates[number] or self.now) + timedelta(seconds=wait)
            why = f"{outcome.reason}; try {try_number + 1} of {max_tries + 1} in {wait:g} s"
            self.move(run, number, TaskState.UP_FOR_RETRY, why, attempt_id)
            self.delta.waits.append((run, number))
            return
        self.move(run, number, TaskState.FAILED, outcome.reason, attempt_id)
        self._fail_fast(run, number)
        self.consider(run, run.behind(number))

    def _fail_fast(self, run: LiveRun, failed: int) -> None:
        task = run.task(failed)
        if run.plan.spec.fail_fast and (not task.is_teardown or task.on_failure_fail_dagrun):
            self.stop(run, f"fail_fast: {run.label(failed)} failed")

    def _check_end(self, run: LiveRun) -> None:
        if run.unfinished or run.state is not RunState.RUNNING:
            return
        if run.stopped_by is not None:
            self.finish_run(run, RunState.FAILED, run.stopped_by)
            return
        failed = sorted(
            run.label(number)
            for number in run.plan.leaves
            if run.states[number] in (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
        )
        if failed:
            shown = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
            self.finish_run(run, RunState.FAILED, f"it ends in tasks that did not succeed: {shown}")
        else:
            self.finish_run(run, RunState.SUCCESS, "all tasks at its end succeeded or were skipped")
