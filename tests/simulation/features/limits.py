"""What instances wait for: pools, limits, priorities."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..dags import Draft
from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Pools(Feature):
    """Pools of few slots, which somebody makes smaller and larger."""

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.3, 1.0))
        for fields in draft.tasks.values():
            if dice.random() < share:
                fields["pool"] = dice.choice(("p", "q"))
                fields["pool_slots"] = dice.choice((1, 1, 2))

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.05:
            world.people.set_pool(dice.choice(("p", "q")), dice.choice((0, 1, 2, 2, 3, 5)))


class Limits(Feature):
    """At most so many at once."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.3:
            draft.fields["max_active_tasks"] = dice.choice((1, 2, 3))
        for fields in draft.tasks.values():
            if dice.random() < 0.1:
                fields["max_active_tis_per_dag"] = dice.choice((1, 2))
            if dice.random() < 0.05:
                fields["max_active_tis_per_dagrun"] = 1


class Priorities(Feature):
    """Tasks that go first."""

    def shape(self, draft: Draft, dice: Random) -> None:
        for fields in draft.tasks.values():
            fields["priority_weight"] = dice.choice((1, 1, 1, 5, -1))
