"""How attempts and runs end in other ways than success or failure."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from tradewind.model.order import Order
from tradewind.model.outcomes import Branched, Failed, Outcome, Rescheduled, Skipped, Succeeded
from tradewind.model.spec import TaskSpec

from ..dags import Draft
from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Branching(Feature):
    """Branches follow some of their downstream tasks; short circuits skip everything behind them."""

    name = "branch"

    def shape(self, draft: Draft, dice: Random) -> None:
        for task_id in draft.plain():
            if draft.downstream(task_id) and dice.random() < 0.2:
                draft.roles[task_id] = self.name
                draft.tasks[task_id]["chooses"] = True

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        kind = dice.random()
        if kind < 0.1:
            return Failed("ValueError: cannot choose")
        if kind < 0.2:
            return Succeeded()  # a short circuit that lets all go on
        if kind < 0.4:
            return Branched(scope="all", reason="the condition is false")
        follow = tuple(one for one in task.downstream if dice.random() < 0.5)
        return Branched(follow)


class Skipping(Feature):
    """Some tasks skip themselves now and then."""

    name = "skip"

    def shape(self, draft: Draft, dice: Random) -> None:
        for task_id in draft.plain():
            if dice.random() < 0.1:
                draft.roles[task_id] = self.name

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        return Skipped("nothing to do") if dice.random() < 0.7 else Succeeded()


class Sensing(Feature):
    """Sensors that give their slot back until they look again."""

    name = "sensor"

    def shape(self, draft: Draft, dice: Random) -> None:
        for task_id in draft.plain():
            if dice.random() < 0.08:
                draft.roles[task_id] = self.name

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        if dice.random() < 0.5:
            return Rescheduled(world.clock.peek() + timedelta(seconds=dice.choice((0, 10, 120))))
        return Succeeded()


class AtMostOnce(Feature):
    """Tasks that must not run a second time where nobody knows whether they ran."""

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.0, 0.4))
        for fields in draft.tasks.values():
            if fields.get("runs_code", True) and dice.random() < share:
                fields["at_most_once"] = True


class FailFast(Feature):
    """DAGs that stop at the first failure."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.1:
            draft.fields["fail_fast"] = True


class RunTimeout(Feature):
    """Runs with a time limit."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.1:
            draft.fields["dagrun_timeout"] = dice.choice((30.0, 300.0))
