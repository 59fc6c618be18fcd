"""Runs of DAGs with mapped tasks, driven through the state machine alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tradewind.logic import mapping
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.model.outcomes import Outcome, Succeeded
from tradewind.model.run import RunInfo, RunRow, TaskInstanceRow
from tradewind.model.spec import DagSpec, GroupSpec, LengthSpec, TaskSpec
from tradewind.model.states import RUN_FINAL, RunType, TaskState

NOW = datetime(2024, 1, 1, tzinfo=UTC)
INFO = RunInfo(
    dag_id="d", run_id="r", run_type=RunType.MANUAL, logical_date=NOW, data_interval=None, run_after=NOW
)


def known(length: int) -> LengthSpec:
    """Mapped over a list that stands in the file."""
    return LengthSpec(kind="known", length=length)


def of(task_id: str) -> LengthSpec:
    """Mapped over what a task returns."""
    return LengthSpec(kind="xcom", task_id=task_id)


class Driver:
    """One run; ``returns`` says how long the list is that a task returns, ``outcomes`` how an instance ends."""

    def __init__(self, *tasks: TaskSpec, groups: tuple[GroupSpec, ...] = (), **fields: object) -> None:
        self.plan = Plan(DagSpec(dag_id="d", tasks=tasks, groups=groups, **fields))  # type: ignore[arg-type]
        self.run = LiveRun(self.plan, 1, INFO, list(range(1, len(self.plan) + 1)))
        self.machine = Machine(NOW)
        self.returns: dict[str, int] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.order: list[str] = []

    def begin(self) -> None:
        self.machine.begin(self.run)

    def ready(self) -> list[str]:
        """The instances that may start now."""
        found = [n for run, n in self.machine.delta.ready if self.run.states[n] is TaskState.SCHEDULED]
        return [self.run.label(n) for n in dict.fromkeys(found)]

    def end(self, label: str, outcome: Outcome | None = None) -> None:
        """An instance that is ready runs to its end."""
        (number,) = self.run.named(label)
        assert self.run.states[number] is TaskState.SCHEDULED, f"{label} is {self.run.states[number]}"
        self.machine.queued(self.run, number, f"{label}-{self.run.try_numbers[number]}", "")
        self.machine.started(self.run, number, NOW)
        outcome = outcome or self.outcomes.get(label) or Succeeded()
        if isinstance(outcome, Succeeded):
            mapping.left(self.run, number, self.returns.get(self.run.task(number).task_id))
        self.order.append(label)
        self.machine.finished(self.run, number, outcome, NOW, NOW)

    def to_end(self, pick: Callable[[list[str]], str] | None = None) -> dict[str, str | None]:
        """Run everything; the states of all instances."""
        for _ in range(10_000):
            ready = self.ready()
            if not ready or self.run.state in RUN_FINAL:
                return self.states()
            self.end(pick(ready) if pick else ready[0])
            self.machine.delta.ready = [it for it in self.machine.delta.ready if self.waits(it[1])]
        raise AssertionError("the run never ends")

    def waits(self, number: int) -> bool:
        return self.run.states[number] is TaskState.SCHEDULED

    def states(self) -> dict[str, str | None]:
        return {self.run.label(n): self.run.states[n] for n in self.run.numbers()}

    def restored(self) -> LiveRun:
        """The run as another process reads it from the store."""
        run = self.run
        rows = [
            TaskInstanceRow(
                pk=run.pks[n],
                run_pk=1,
                task_id=run.task(n).task_id,
                map_index=run.map_index(n),
                state=run.states[n],
                try_number=run.try_numbers[n],
            )
            for n in run.numbers()
        ]
        row = RunRow(pk=1, info=INFO, state=run.state)
        return LiveRun.restore(self.plan, row, rows, False)
