"""Mapped tasks: over a number that is known, and over what a task before them returned."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Succeeded
from tradewind.model.spec import LengthSpec, TaskSpec

from ..dags import Draft
from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Mapping(Feature):
    """A task that returns a list, and tasks behind it that have an instance for each item."""

    name = "list"

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.7:
            return
        plain = draft.plain()
        for task_id in plain:
            before = [
                one for one in plain if (one, task_id) in draft.edges and "mapped" not in draft.tasks[one]
            ]
            fields = draft.tasks[task_id]
            if task_id in draft.roles or dice.random() < 0.4:
                continue
            if before and dice.random() < 0.7:
                source = dice.choice(before)
                draft.roles[source] = self.name
                fields["mapped"] = LengthSpec(kind="xcom", task_id=source)
            elif dice.random() < 0.5:
                fields["mapped"] = LengthSpec(kind="known", length=dice.choice((0, 1, 3)))

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        return Failed("ValueError: no list") if dice.random() < 0.2 else Succeeded()

    @staticmethod
    def length(task: TaskSpec, dice: Random) -> int | None:
        """How long the list is that a task returns; ``None`` where it returns nothing that can be mapped over."""
        return dice.choice((0, 1, 2, 4)) if task.extra.get("role") == Mapping.name else None
