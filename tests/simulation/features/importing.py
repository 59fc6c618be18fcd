"""DAG files that change, break and go away while runs are going on."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Versions(Feature):
    """A DAG gets another version: other tasks, other edges, other limits, the same schedule."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.05:
            world.files.change(dice.choice(world.dag_ids), dice)


class BadFiles(Feature):
    """A file cannot be imported for a while, or is gone for a while."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.03:
            world.files.break_one(dice.choice(world.dag_ids), dice)
        elif dice.random() < 0.02:
            world.files.remove(dice.choice(world.dag_ids), dice)
