"""Timetables of plugins are asked elsewhere: the scheduler goes by the answers, whenever they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from world import START, World

from tradewind.model.commands import CreateBackfill, TriggerRun
from tradewind.model.run import DataInterval
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.ports.planner import PlannerHost, TimetableAnswer, TimetableQuestion
from tradewind.timetables import PlannedRun

TASK = TaskSpec(task_id="a", runs_code=False)
TIDES = TimetableSpec(type="high_tide", args={"first": "2024-01-01T00:00:00+00:00"})


class HandPlanner:
    """Keeps questions until the test answers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[TimetableQuestion, Callable[[TimetableAnswer], None]]] = []

    def ask(
        self, question: TimetableQuestion, on_answer: Callable[[TimetableAnswer], None], host: PlannerHost
    ) -> None:
        self.asked.append((question, on_answer))

    def answer(self, question: TimetableQuestion) -> TimetableAnswer:
        raise AssertionError("the scheduler must not wait for a timetable")

    def close(self) -> None:
        self.asked.clear()

    def say(self, **answer: object) -> TimetableQuestion:
        question, on_answer = self.asked.pop(0)
        on_answer(TimetableAnswer(**answer))  # type: ignore[arg-type]
        return question


@pytest.fixture
def planner(world: World) -> HandPlanner:
    planner = world.planner = HandPlanner()
    world.scheduler.close()
    world.scheduler = world._made()
    return planner


def run_of(hours: float) -> PlannedRun:
    """The run that is due ``hours`` from the start."""
    due = START + timedelta(hours=hours)
    return PlannedRun.over(due - timedelta(hours=1), due)


def made(world: World) -> list[DataInterval | None]:
    return [run.info.data_interval for run in world.runs.find("d", newest_first=False)]


def test_runs_are_made_when_they_are_due_by_the_plan_that_was_given(
    world: World, planner: HandPlanner
) -> None:
    world.add_dag(TASK, timetable=TIDES, catchup=True, start_date=START - timedelta(hours=2))
    world.start()
    assert made(world) == []

    question = planner.say(runs=(run_of(-1), run_of(0), run_of(1)))
    world.settle()
    assert (question.timetable, question.last) == (TIDES, None)
    assert made(world) == [run_of(-1).interval, run_of(0).interval]
    world.clock.pass_by(hours=1)
    world.settle()
    assert made(world)[2:] == [run_of(1).interval]

    assert planner.say(ends=True).last == run_of(1).interval
    world.settle()
    assert not planner.asked


def test_without_catch_up_it_is_asked_anew_after_a_pause(world: World, planner: HandPlanner) -> None:
    world.add_dag(TASK, timetable=TIDES)
    world.start()
    planner.say(runs=(run_of(1),))
    world.settle()
    world.switch(paused=True)
    world.clock.pass_by(days=3)
    world.switch(paused=False)

    planner.say(runs=(run_of(71),))
    world.settle()

    assert made(world) == [run_of(71).interval]


def test_a_timetable_that_fails_is_asked_again_later(
    world: World, planner: HandPlanner, caplog: pytest.LogCaptureFixture
) -> None:
    world.add_dag(TASK, timetable=TIDES)
    world.start()
    planner.say(error="the moon is gone")
    world.settle()
    assert "DAG d is not scheduled for now: the moon is gone" in caplog.text
    assert not planner.asked

    world.clock.pass_by(minutes=2)
    world.settle()
    planner.say(runs=(run_of(0),))
    world.settle()

    assert made(world) == [run_of(0).interval]


def test_a_triggered_run_waits_for_its_interval_and_other_commands_do_not(
    world: World, planner: HandPlanner
) -> None:
    world.add_dag(TASK, timetable=TIDES, paused=True)
    world.add_dag(TASK, dag_id="other")
    world.start()
    first = world.send(TriggerRun(dag_id="d", run_id="r"))
    assert first.applied_at is None
    assert world.send(TriggerRun(dag_id="other", run_id="r")).refused_reason is None

    question = planner.say(manual=run_of(-2).interval)
    world.settle()

    assert question.manual == START
    assert world.run().info.data_interval == run_of(-2).interval
    assert world.run().info.logical_date == START


def test_a_run_whose_interval_nobody_knows_is_refused_with_the_reason(
    world: World, planner: HandPlanner
) -> None:
    world.add_dag(TASK, timetable=TIDES, paused=True)
    world.start()
    command = world.send(TriggerRun(dag_id="d", run_id="r"))

    planner.say(error="the moon is gone")
    world.settle()

    row = world.commands.get(command.id)
    assert row is not None
    assert row.refused_reason == "the moon is gone"


def test_a_backfill_by_a_timetable_that_cannot_be_asked_at_once_is_refused(
    world: World, planner: HandPlanner
) -> None:
    world.add_dag(TASK, timetable=TIDES, paused=True)
    world.start()
    days = {"from_date": START - timedelta(days=3), "to_date": START - timedelta(days=1)}

    row = world.send(CreateBackfill(dag_id="d", **days))

    assert "The timetable 'high_tide' is a plugin's" in (row.refused_reason or "")
