"""A run in flight, as the scheduler keeps it in memory: columns of task instances, and a count per input of each
trigger rule.

A task that ends changes the counts of its downstream tasks and nothing else, so a decision costs what lies directly
downstream, however large the DAG. Instances are numbered; number ``i`` below ``len(plan)`` is the unmapped instance
of task ``i``, or a mapped task as a whole: once that is expanded (see :mod:`tradewind.logic.mapping`) the numbers of its
instances follow behind, and number ``i`` has no row in the store and the state that all of them make together.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tradewind.logic.mapping import COUNTED, Block, inside, instance_at
from tradewind.logic.plan import Plan
from tradewind.logic.trigger_rules import Upstream
from tradewind.model.outcomes import Branched
from tradewind.model.run import RunInfo, RunRow, TaskInstanceRow, instance_label
from tradewind.model.spec import TaskSpec
from tradewind.model.states import TASK_FINAL, RunState, TaskState
from tradewind.model.waits import Wait

_NUMBER_OF = {state: number for number, state in enumerate(COUNTED)}


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
        "blocks",
        "branches",
        "counts",
        "dirty",
        "due_at",
        "end_date",
        "end_dates",
        "even_if_paused",
        "indexes",
        "info",
        "lengths",
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
        "tasks_of",
        "totals",
        "try_numbers",
        "unfinished",
        "waits",
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
        self.counts: tuple[list[int], ...] = tuple([0] * size for _ in COUNTED)
        #: how many instances directly upstream of each task there are, without those that are mapped together with it
        self.totals = [len(before) for before in plan.upstream]
        self.unfinished = size
        #: the instances of mapped tasks that were expanded, by the task's number
        self.blocks: dict[int, Block] = {}
        #: task and map index of the instances with numbers from ``len(plan)`` on
        self.tasks_of, self.indexes = array("l"), array("l")
        #: the length of what tasks returned that others are mapped over
        self.lengths: dict[int, int] = {}
        #: decisions of branches that ended: task number -> decision
        self.branches: dict[int, Branched] = {}
        #: what tries wait for, or go on with: task number -> wait
        self.waits: dict[int, Wait] = {}
        #: how many attempts of an instance were lost in a row before they began
        self.losses: dict[int, int] = {}
        #: why the run was stopped: nothing but teardowns begins any more, and it ends failed
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
        run.stopped_by = row.stopped_by
        for instance in instances:
            number = plan.index.get(instance.task_id)
            if number is None or (instance.map_index >= 0 and number not in plan.domains):
                continue
            if instance.map_index >= 0:
                number = instance_at(run, number, instance.map_index)
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
        for block in run.blocks.values():
            kept = (
                index for index, one in enumerate(block.numbers) if run.states[one] is not TaskState.REMOVED
            )
            block.length = max(kept, default=-1) + 1
        run.recount()
        return run

    def recount(self) -> None:
        """Make the counts anew from the states."""
        for column in self.counts:
            column[:] = [0] * len(column)
        self.totals = [len(before) for before in self.plan.upstream]
        for block in self.blocks.values():
            block.tally[:] = [0] * len(COUNTED)
            block.inside = 0
            self.states[block.task] = None
        for task in self.blocks:
            for other in self.plan.downstream[task]:
                self.totals[other] -= 1
                if inside(self, task, other):
                    self.blocks[other].inside += 1
                else:
                    self.totals[other] += len(self.blocks[task].numbers)
        self.unfinished = 0
        for number in self.numbers():
            state = self.states[number]
            if state in TASK_FINAL:
                self._count(number, state, +1)
            else:
                self.unfinished += 1

    def upstream_of(self, number: int) -> Upstream:
        """How the instances directly upstream of ``number`` stand."""
        success, failed, upstream_failed, skipped, removed = self.counts
        if number < len(self.plan):
            return Upstream(
                self.totals[number],
                success[number],
                failed[number],
                upstream_failed[number],
                skipped[number],
                removed[number],
            )
        task = self.task_of(number)
        return Upstream(
            self.totals[task] + self.blocks[task].inside,
            success[task] + success[number],
            failed[task] + failed[number],
            upstream_failed[task] + upstream_failed[number],
            skipped[task] + skipped[number],
            removed[task] + removed[number],
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
        place = _NUMBER_OF[state]  # type: ignore[index]  # final states alone come here
        column = self.counts[place]
        if not self.blocks:
            for other in self.plan.downstream[number]:
                column[other] += by
            return
        task = self.task_of(number)
        if number != task:
            block = self.blocks[task]
            block.tally[place] += by
            self.states[task] = block.state
        for other in self.plan.downstream[task]:
            if number != task and inside(self, task, other):
                beside = self.blocks[other].numbers
                index = self.indexes[number - len(self.plan)]
                if index < len(beside):
                    column[beside[index]] += by
            else:
                column[other] += by

    def skipped_by_branch(self, decider: int) -> set[int]:
        """The instances that the decision of a branch leaves out; no choice skips a teardown."""
        decision = self.branches[decider]
        plan, task = self.plan, self.task_of(decider)
        direct = set(plan.downstream[task]).difference(plan.scopes.teardowns)
        if decision.scope == "all":
            left_out = plan.reach(set(plan.downstream[task])).difference(plan.scopes.teardowns)
        else:
            follow = {plan.index[name] for name in decision.follow if name in plan.index}
            left_out = (direct - plan.reach(follow)) if follow else direct
        if not self.blocks:
            return left_out
        return {number for other in left_out for number in self.concerned(decider, other)}

    # -- instances by number ---------------------------------------------------------------------------------

    def numbers(self) -> Iterable[int]:
        """The numbers of all instances; a mapped task that was expanded has those of its instances alone."""
        if not self.blocks:
            return range(len(self.plan))
        return self.spread(range(len(self.plan)))

    def spread(self, numbers: Iterable[int]) -> list[int]:
        """The same instances, with those of a task in place of an expanded task as a whole."""
        if not self.blocks:
            return list(numbers)
        return [one for number in numbers for one in self.numbers_of(number)]

    def numbers_of(self, task: int) -> Sequence[int]:
        """The numbers of the instances of a task, in the order of their map index."""
        block = self.blocks.get(task)
        return (task,) if block is None else block.numbers

    def named(self, label: str) -> Sequence[int]:
        """The instances that ``task_id`` or ``task_id[map_index]`` names; empty where there are none."""
        task_id, bracket, index = label.removesuffix("]").partition("[")
        task = self.plan.index.get(task_id)
        if task is None:
            return ()
        if not bracket:
            return self.numbers_of(task)
        block = self.blocks.get(task)
        if block is None or not index.isdecimal() or int(index) >= len(block.numbers):
            return ()
        return (block.numbers[int(index)],)

    def task_of(self, number: int) -> int:
        """The number of the instance's task in the plan."""
        size = len(self.plan)
        return number if number < size else self.tasks_of[number - size]

    def map_index(self, number: int) -> int:
        """Which instance of its mapped task it is, from 0; -1: the task is not mapped, or not expanded yet."""
        size = len(self.plan)
        return -1 if number < size else self.indexes[number - size]

    def task(self, number: int) -> TaskSpec:
        """The task that it is an instance of."""
        return self.plan.tasks[self.task_of(number)]

    def label(self, number: int) -> str:
        """The task's id, as people know it; of a mapped instance ``task_id[map_index]``."""
        return instance_label(self.task(number).task_id, self.map_index(number))

    # -- mapped tasks ----------------------------------------------------------------------------------------

    def concerned(self, number: int, other: int) -> Sequence[int]:
        """The instances of a neighbouring task that have to do with ``number``: that of the same map index where the
        two are mapped together, else all."""
        if number >= len(self.plan) and inside(self, self.task_of(number), other):
            index, beside = self.map_index(number), self.blocks[other].numbers
            return (beside[index],) if index < len(beside) else ()
        return self.numbers_of(other)

    def beside(self, number: int, other: int) -> int:
        """What stands for another task where ``number`` is concerned: its instance of the same map index where the two are
        mapped together, else the task as a whole."""
        if number < len(self.plan) or not inside(self, self.task_of(number), other):
            return other
        return next(iter(self.concerned(number, other)), other)

    def before(self, number: int) -> Iterable[int]:
        """The instances directly before ``number`` that may have chosen against it."""
        if not self.blocks:
            return self.plan.upstream[number]
        found: list[int] = []
        for chooser in self.plan.choosers[self.task_of(number)]:
            one_by_one = chooser not in self.blocks or inside(self, self.task_of(number), chooser)
            # Those of a mapped branch skip what they choose against when they end; only later is there need to look.
            if one_by_one or self.states[chooser] is not None:
                found.extend(self.concerned(number, chooser))
        return found

    def behind(self, number: int) -> Iterable[int]:
        """The instances that may go on, or have to end, now that ``number`` has ended."""
        further = self.plan.further
        if not self.blocks:
            found = self.plan.downstream[number]
            return (*found, *further[number]) if number in further else found
        return self._behind_in_blocks(number)

    def _behind_in_blocks(self, number: int) -> list[int]:
        found: list[int] = []
        task = self.task_of(number)
        for other in self.plan.further.get(task, ()):
            if self.states[task] in TASK_FINAL or (number != task and inside(self, task, other)):
                found.extend(self.concerned(number, other))
        for other in self.plan.downstream[task]:
            if other not in self.blocks or (
                number >= len(self.plan) and inside(self, self.task_of(number), other)
            ):
                found.extend(self.concerned(number, other))
            elif self._is_news(self.states[number], other):
                found.extend(self.blocks[other].numbers)
        return found

    def _is_news(self, state: TaskState | None, task: int) -> bool:
        """Whether one more upstream instance in this state can change anything for all instances of ``task``: only the
        first in a state can, and the last of all. So many instances before many others cost no more than both."""
        counts = [column[task] for column in self.counts]
        return state not in TASK_FINAL or counts[_NUMBER_OF[state]] == 1 or sum(counts) >= self.totals[task]
