"""What a feature of Tradewind brings to the simulation."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.model.spec import TaskSpec

if TYPE_CHECKING:
    from ..dags import Draft
    from ..evidence import Broken, Evidence
    from ..world import World


class Feature:
    """One feature. A method that is not overridden does nothing; ``dice`` is the seed's."""

    #: under which tasks name it as the one who chooses their outcomes (:attr:`Draft.roles`)
    name = ""

    def shape(self, draft: Draft, dice: Random) -> None:
        """Change the draft of a DAG, or leave it."""

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        """How an attempt of a task ends that this feature has taken for itself."""
        raise NotImplementedError

    def stir(self, world: World, dice: Random) -> None:
        """Make a person, or the outside, do something. Called now and then while the storm lasts."""

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """What of this feature's promises was broken."""
        return iter(())
