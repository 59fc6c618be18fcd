"""What tasks do: how long an attempt takes, how it ends, and a record of every time that user code really ran."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Skipped, Succeeded
from tradewind.model.spec import DagSpec, TaskSpec

from .features import BY_NAME
from .features.mapping import Mapping

if TYPE_CHECKING:
    from .world import World


@dataclass(slots=True)
class Script:
    """What is going to become of an attempt, if nothing comes in between.

    :param dies: its process dies in a way that nobody can explain: the agent reports it lost.
    """

    start_delay: float
    duration: float
    outcome: Outcome
    dies: bool = False
    xcoms: tuple[XCom, ...] = ()


@dataclass(slots=True)
class Execution:
    """User code that ran. ``outcome`` is how it came to its own end; ``None`` where it was ended, or runs still."""

    attempt_id: str
    session: str
    dag_id: str
    run_id: str
    task_id: str
    try_number: int
    at_most_once: bool
    began: float
    outcome: Outcome | None = None
    over: bool = False
    ran_on: float = 0.0  #: seconds that it ran after the store had its attempt as ended


class Work:
    """User code of all tasks."""

    def __init__(self, world: World, dice: Random) -> None:
        self._world = world
        self._dice = dice
        self.executions: list[Execution] = []
        self.trouble = True  #: whether tasks still fail and hang

    def script(self, order: Order, spec: DagSpec) -> Script:
        """Decide what an attempt does."""
        task = next(task for task in spec.tasks if task.task_id == order.task_id)
        dice = self._dice
        outcome, xcoms = self._outcome(task, order), self._xcoms(task)
        if not self.trouble:
            return Script(0.1, 1.0, outcome, xcoms=xcoms)
        duration = dice.choice((0.0, 0.1, 1.0, 5.0, 30.0, 200.0))
        if dice.random() < 0.02:
            duration = 4 * 3600.0  # somebody will lose patience, or nobody
        return Script(dice.choice((0.0, 0.01, 0.5)), duration, outcome, dice.random() < 0.03, xcoms)

    def _xcoms(self, task: TaskSpec) -> tuple[XCom, ...]:
        length = Mapping.length(task, self._dice)
        return () if length is None else (XCom(key="return_value", value=b"[]", size=2, length=length),)

    def _outcome(self, task: TaskSpec, order: Order) -> Outcome:
        role = BY_NAME.get(task.extra.get("role", ""))
        if role is not None:
            return role.outcome(task, order, self._world, self._dice)
        kind = self._dice.random()
        if kind < 0.72:
            return Succeeded()
        if kind < 0.94:
            return Failed("ValueError: no luck")
        if kind < 0.97:
            return Failed("FailTask: hopeless", retry="never")
        return Skipped("SkipTask: not today")

    def begin(self, order: Order, session: str) -> Execution:
        """User code of the attempt begins."""
        execution = Execution(
            order.attempt_id,
            session,
            order.run.dag_id,
            order.run.run_id,
            order.task_id,
            order.try_number,
            order.at_most_once,
            self._world.clock.elapsed,
        )
        self.executions.append(execution)
        return execution
