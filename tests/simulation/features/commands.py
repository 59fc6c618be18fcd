"""What people ask for while the storm lasts."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tradewind.model.commands import ClearTasks, DeleteDag, MarkRun, MarkTasks, SetPaused, TriggerRun
from tradewind.model.states import RunState, TaskState

from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Triggering(Feature):
    """Runs by hand; some under an id that is taken, some twice in one breath."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.25:
            dag_id = dice.choice(world.dag_ids)
            run_id = dice.choice((None, None, f"by_hand_{dice.randint(1, 5)}"))
            world.people.ask(TriggerRun(dag_id=dag_id, run_id=run_id, even_if_paused=dice.random() < 0.1))
            if dice.random() < 0.1:
                world.people.ask(TriggerRun(dag_id=dag_id, run_id=run_id))


class Pausing(Feature):
    """DAGs are switched off and on."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.08:
            world.people.ask(SetPaused(dag_id=dice.choice(world.dag_ids), paused=dice.random() < 0.6))


class Clearing(Feature):
    """Instances are to go again: with all behind them as people mostly do, or by themselves."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() > 0.12:
            return
        run = world.people.some_run(dice)
        if run is None:
            return
        task_ids = world.people.task_ids(run)
        if not task_ids:
            return
        chosen = {dice.choice(task_ids)}
        if dice.random() < 0.7:
            chosen = world.people.with_downstream(run, chosen)
        only = (TaskState.FAILED, TaskState.UPSTREAM_FAILED) if dice.random() < 0.3 else ()
        world.people.ask(
            ClearTasks(
                dag_id=run["dag_id"],
                run_id=run["run_id"],
                task_ids=tuple(one for one in task_ids if one in chosen) if dice.random() < 0.9 else (),
                only=only,
            )
        )


class Marking(Feature):
    """Instances and runs are set to a state by hand; DAGs are to be deleted, mostly in vain."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() > 0.06:
            return
        run = world.people.some_run(dice)
        if run is None:
            return
        names = {"dag_id": run["dag_id"], "run_id": run["run_id"]}
        kind = dice.random()
        if kind < 0.1:
            world.people.ask(DeleteDag(dag_id=run["dag_id"]))
        elif kind < 0.5:
            world.people.ask(MarkRun(state=dice.choice((RunState.SUCCESS, RunState.FAILED)), **names))
        else:
            task_ids = (dice.choice(world.people.task_ids(run) or ("t0",)),)
            state = dice.choice((TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED))
            world.people.ask(MarkTasks(task_ids=task_ids, state=state, **names))
