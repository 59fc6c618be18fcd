"""Deadlines: written with the run, met by its success alone, missed once and whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from world import START, World

from tradewind.model.commands import ClearTasks, MarkRun, TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import DeadlineSpec, TaskSpec
from tradewind.model.states import RunState
from tradewind.store.callbacks import CallbackRepository
from tradewind.store.deadlines import DeadlineRepository

IN_A_MINUTE = DeadlineSpec(reference="queued_at", interval=60.0, name="soon")


def _started(world: World, *deadlines: DeadlineSpec) -> None:
    world.add_dag(TaskSpec(task_id="a"), deadlines=deadlines or (IN_A_MINUTE,))
    world.start()
    world.trigger()


def _missed(world: World) -> list[bool | None]:
    return [row.missed for row in DeadlineRepository(world.store).find("d")]


def _after(world: World, seconds: float) -> None:
    world.clock.pass_by(seconds=seconds)
    world.settle()


def test_a_run_that_succeeds_in_time_meets_it(world: World) -> None:
    _started(world)
    world.executor.end("a")
    world.settle()
    assert _missed(world) == [False]
    _after(world, 61)
    assert _missed(world) == [False]
    assert CallbackRepository(world.store).find() == []


def test_a_run_that_goes_on_misses_it_once(world: World) -> None:
    _started(world)
    _after(world, 59)
    assert _missed(world) == [None]
    _after(world, 1)
    _after(world, 100)
    assert _missed(world) == [True]
    (order,) = [order for order in world.executor.submitted if order.kind == "callback"]
    assert order.callback is not None
    assert (order.callback.names, order.callback.deadline) == (("deadline",), 0)
    assert order.callback.deadline_at == START + timedelta(seconds=60)
    assert (
        order.callback.reason
        == "the deadline 'soon' of 2024-01-10T12:01:00+00:00 was missed: the run is running"
    )
    assert world.run().state == "running"


@pytest.mark.parametrize("dies", [True, False])
def test_a_run_that_failed_can_still_meet_or_miss_it(world: World, dies: bool) -> None:
    _started(world, IN_A_MINUTE, DeadlineSpec(reference="queued_at", interval=600.0))
    world.executor.end("a", Failed("no"))
    world.settle()
    assert _missed(world) == [None, None]
    if dies:
        world.crash()
    _after(world, 61)
    assert _missed(world) == [True, None]
    world.send(ClearTasks(dag_id="d", run_id="r"))
    world.executor.end("a")
    world.settle()
    assert _missed(world) == [True, False]
    assert len(CallbackRepository(world.store).find()) == 1


def test_what_was_missed_while_nobody_looked_is_told_by_the_next_scheduler(world: World) -> None:
    _started(world)
    world.clock.pass_by(hours=1)
    world.crash()
    assert _missed(world) == [True]
    assert [order.kind for order in world.executor.submitted] == ["task", "callback"] or [
        order.kind for order in world.executor.submitted
    ] == ["callback", "task"]


def test_a_run_that_is_marked_a_success_meets_it(world: World) -> None:
    _started(world)
    world.send(MarkRun(dag_id="d", run_id="r", state=RunState.SUCCESS))
    assert _missed(world) == [False]


@pytest.mark.parametrize(
    ("spec", "after"),
    [
        (DeadlineSpec(reference="logical_date", interval=-30.0), timedelta(hours=-1, seconds=-30)),
        (DeadlineSpec(reference="fixed", moment=START, interval=5.0), timedelta(seconds=5)),
        (DeadlineSpec(reference="average_runtime", max_runs=3, min_runs=3), None),
    ],
)
def test_what_it_counts_from(world: World, spec: DeadlineSpec, after: Any) -> None:
    world.add_dag(TaskSpec(task_id="a"), deadlines=(spec,))
    world.start()
    world.send(TriggerRun(dag_id="d", run_id="r", logical_date=START - timedelta(hours=1)))
    assert [row.due_at - START for row in DeadlineRepository(world.store).find("d")] == (
        [] if after is None else [after]
    )


def test_the_average_is_that_of_the_newest_runs_that_succeeded(world: World) -> None:
    average = DeadlineSpec(reference="average_runtime", max_runs=2, min_runs=2, interval=1.0)
    world.add_dag(TaskSpec(task_id="a"), deadlines=(average,))
    world.start()
    for number, seconds in enumerate((1000, 10, 20)):
        world.send(TriggerRun(dag_id="d", run_id=f"r{number}", logical_date=START + timedelta(days=number)))
        world.clock.pass_by(seconds=seconds)
        world.executor.end("a")
        world.settle()
    begun = world.clock.now()
    world.send(TriggerRun(dag_id="d", run_id="r3", logical_date=START + timedelta(days=3)))
    (row,) = DeadlineRepository(world.store).find("d", "r3")
    assert (row.due_at - begun).total_seconds() == 16
