"""A run in flight, as the scheduler keeps it in memory: columns of task instances, and a count per input of each
trigger rule.

A task that ends changes the counts of its downstream tasks and nothing else, so a decision costs what lies directly
downstream, however large the DAG. Instances are numbered; number ``i`` below ``len(plan)`` is the unmapped instance
of task ``i``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from tradewind.logic.plan import Plan
from tradewind.logic.trigger_rules import Upstream
from tradewind.model.outcomes import Branched
from tradewind.model.run import RunInfo, RunRow, TaskInstanceRow
from tradewind.model.states import TASK_FINAL, RunState, TaskState

_COUNTED = (
    TaskState.SUCCESS,
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)
_NUMBER_OF = {state: number for number, state in enumerate(_COUNTED)}


@dataclass(slots=True)
class Transition:
    """A change of state that was decided. ``instance`` is ``None`` where the run itself changed."""

    run: LiveRun
    instance: int | None
    old: TaskState | RunState | None
    new: TaskState | RunState | None
    reason: str
    attempt_id: str | None = None
    cause: str = "clock"  #: what made it happen: fact | command | clock
    cause_id: str | None = None  #: of a fact: its attempt; of a command: its id
    outright: bool = False  #: of a run: it was ended from outside, whatever its tasks


class LiveRun:
    """One run. Only :mod:`tradewind.logic.machine` changes its states."""

    __slots__ = (
        "attempt_id",
        "branches",
        "counts",
        "dirty",
        "due_at",
        "end_date",
        "end_dates",
        "even_if_paused",
        "info",
        "losses",
        "max_tries",
        "pk",
        "pks",
        "plan",
        "reason",
        "reasons",
        "run_dirty",
        "start_date",
        "start_dates",
        "state",
        "states",
        "stopped_by",
        "try_numbers",
        "unfinished",
    )

    def __init__(
        self, plan: Plan, pk: int, info: RunInfo, pks: list[int], even_if_paused: bool = False
    ) -> None:
        size = len(plan)
        self.plan = plan
        self.pk = pk
        self.info = info
        self.state = RunState.QUEUED
        self.start_date: datetime | None = None
        self.end_date: datetime | None = None
        self.reason = ""
        self.even_if_paused = even_if_paused
        self.pks = pks
        self.states: list[TaskState | None] = [None] * size
        self.try_numbers = [0] * size
        self.max_tries = [task.retries for task in plan.tasks]
        self.attempt_id: list[str | None] = [None] * size
        self.due_at: list[datetime | None] = [None] * size
        self.start_dates: list[datetime | None] = [None] * size
        self.end_dates: list[datetime | None] = [None] * size
        self.reasons = [""] * size
        #: for each counted state, how many direct upstream tasks of each task ended in it
        self.counts: tuple[list[int], ...] = tuple([0] * size for _ in _COUNTED)
        self.unfinished = size
        #: decisions of branches that ended: task number -> decision
        self.branches: dict[int, Branched] = {}
        #: how many attempts of an instance were lost in a row before they began
        self.losses: dict[int, int] = {}
        #: the task that made fail_fast stop the run
        self.stopped_by: str | None = None
        self.dirty: set[int] = set()
        self.run_dirty = False

    @classmethod
    def restore(
        cls, plan: Plan, row: RunRow, instances: list[TaskInstanceRow], even_if_paused: bool
    ) -> LiveRun:
        """The run as the store has it. Instances of tasks that are not in ``plan`` are left out."""
        run = cls(plan, row.pk, row.info, [0] * len(plan), even_if_paused)
        run.state, run.start_date, run.end_date, run.reason = (
            row.state,
            row.info.start_date,
            row.end_date,
            row.reason,
        )
        for instance in instances:
            number = plan.index.get(instance.task_id)
            if number is None:
                continue
            run.pks[number] = instance.pk
            run.states[number] = instance.state
            run.try_numbers[number] = instance.try_number
            run.max_tries[number] = instance.max_tries
            run.attempt_id[number] = instance.attempt_id
            run.due_at[number] = instance.due_at
            run.start_dates[number] = instance.start_date
            run.end_dates[number] = instance.end_date
            run.reasons[number] = instance.reason
            if instance.branch:
                decision = json.loads(instance.branch)
                run.branches[number] = Branched(tuple(decision["follow"]), decision["scope"])
        run.recount()
        return run

    def recount(self) -> None:
        """Make the counts anew from the states."""
        for column in self.counts:
            column[:] = [0] * len(column)
        self.unfinished = 0
        for number, state in enumerate(self.states):
            if state in TASK_FINAL:
                self._count(number, state, +1)
            else:
                self.unfinished += 1

    def upstream_of(self, number: int) -> Upstream:
        """How the direct upstream tasks of ``number`` stand."""
        success, failed, upstream_failed, skipped, removed = self.counts
        return Upstream(
            len(self.plan.upstream[number]),
            success[number],
            failed[number],
            upstream_failed[number],
            skipped[number],
            removed[number],
        )

    def move(self, number: int, state: TaskState | None) -> None:
        """Set the state of an instance and keep the counts right."""
        old = self.states[number]
        was_final, is_final = old in TASK_FINAL, state in TASK_FINAL
        if was_final:
            self._count(number, old, -1)
        if is_final:
            self._count(number, state, +1)
        self.unfinished += was_final - is_final
        self.states[number] = state
        self.dirty.add(number)

    def _count(self, number: int, state: TaskState | None, by: int) -> None:
        column = self.counts[_NUMBER_OF[state]]  # type: ignore[index]  # final states alone come here
        for other in self.plan.downstream[number]:
            column[other] += by

    def skipped_by_branch(self, decider: int) -> set[int]:
        """The tasks that the decision of a branch leaves out."""
        decision = self.branches[decider]
        plan = self.plan
        if decision.scope == "all":
            return plan.reach(set(plan.downstream[decider]))
        direct = set(plan.downstream[decider])
        follow = {plan.index[name] for name in decision.follow if name in plan.index}
        return (direct - plan.reach(follow)) if follow else direct

    def label(self, number: int) -> str:
        """The task's id."""
        return self.plan.tasks[number].task_id
