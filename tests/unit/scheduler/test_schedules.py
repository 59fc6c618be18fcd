"""Which runs a schedule makes, whatever happens to the scheduler, the DAG and the clock meanwhile."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from world import START, World

from tradewind.model.commands import CatchUp
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunState
from tradewind.timetables import (
    ContinuousTimetable,
    CronDataIntervalTimetable,
    DeltaTriggerTimetable,
    EventsTimetable,
)

TASK = TaskSpec(task_id="a")
NOTHING = TaskSpec(task_id="a", runs_code=False)
DAILY, HOURLY = (CronDataIntervalTimetable(word).spec() for word in ("@daily", "@hourly"))
EACH_MINUTE = CronDataIntervalTimetable("* * * * *").spec()
MIDNIGHT = START.replace(hour=0)


def dates(world: World) -> list[datetime | None]:
    """Logical dates of the DAG's runs, oldest first."""
    return [run.info.logical_date for run in world.runs.find("d", newest_first=False, limit=10_000)]


def pass_by(world: World, **parts: float) -> None:
    world.clock.pass_by(**parts)
    world.settle()


# -- the scheduler was away ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("catchup", "hours"), [(True, [11, 12, 13, 14]), (False, [11, 14])])
def test_what_came_due_while_the_scheduler_was_away(world: World, catchup: bool, hours: list[int]) -> None:
    world.add_dag(NOTHING, timetable=HOURLY, catchup=catchup, start_date=START - timedelta(hours=1))
    world.start()
    assert [it.hour for it in dates(world) if it] == [11]

    world.scheduler.close()
    world.clock.pass_by(hours=3, minutes=5)  # 13:00, 14:00 and 15:00 pass
    world.crash()

    assert [it.hour for it in dates(world) if it] == hours
    world.crash()
    assert [it.hour for it in dates(world) if it] == hours


def test_a_due_run_is_not_moved_by_a_scheduler_that_looks_late(world: World) -> None:
    world.add_dag(NOTHING, timetable=DeltaTriggerTimetable(timedelta(hours=1)).spec(), start_date=START)
    world.start()
    for _ in range(3):
        pass_by(world, minutes=60, seconds=2)

    assert dates(world) == [START + timedelta(hours=n) for n in range(4)]


def test_an_event_is_not_lost_by_a_scheduler_that_looks_late_or_is_away(world: World) -> None:
    events = EventsTimetable([START + timedelta(hours=1), START + timedelta(hours=2)])
    world.add_dag(NOTHING, timetable=events.spec())
    world.start()
    pass_by(world, hours=1, seconds=3)
    assert dates(world) == events.event_dates[:1]

    world.scheduler.close()
    world.clock.pass_by(hours=3)
    world.crash()

    assert dates(world) == events.event_dates


# -- the DAG is changed or switched off ----------------------------------------------------------------------


def test_a_daily_dag_that_becomes_hourly_goes_on_where_it_stopped(world: World) -> None:
    fields = {"catchup": True, "start_date": MIDNIGHT - timedelta(days=2), "max_active_runs": 100}
    world.add_dag(NOTHING, timetable=DAILY, **fields)
    world.start()
    assert dates(world) == [MIDNIGHT - timedelta(days=2), MIDNIGHT - timedelta(days=1)]

    world.edit_dag(NOTHING, timetable=HOURLY, **fields)

    assert dates(world)[2:] == [MIDNIGHT + timedelta(hours=n) for n in range(12)]


def test_a_start_date_that_is_moved_makes_no_run_twice_and_none_before_the_last(world: World) -> None:
    world.add_dag(NOTHING, timetable=DAILY, catchup=True, start_date=MIDNIGHT - timedelta(days=2))
    world.start()
    made = dates(world)

    world.edit_dag(NOTHING, timetable=DAILY, catchup=True, start_date=MIDNIGHT - timedelta(days=9))
    assert dates(world) == made
    world.edit_dag(NOTHING, timetable=DAILY, catchup=True, start_date=MIDNIGHT + timedelta(days=3))
    for _ in range(5):
        pass_by(world, days=1)

    assert dates(world)[len(made) :] == [MIDNIGHT + timedelta(days=3), MIDNIGHT + timedelta(days=4)]


@pytest.mark.parametrize(("catchup", "number"), [(True, 30), (False, 1)])
def test_a_dag_that_was_switched_off_for_a_month(world: World, catchup: bool, number: int) -> None:
    world.add_dag(NOTHING, timetable=DAILY, catchup=catchup, start_date=MIDNIGHT, max_active_runs=100)
    world.start()
    world.switch(paused=True)
    pass_by(world, days=30)
    assert dates(world) == []

    world.switch(paused=False)

    assert dates(world)[-1] == MIDNIGHT + timedelta(days=29)
    assert len(dates(world)) == number


def test_a_run_that_ends_at_once_is_followed_by_the_next(world: World) -> None:
    world.add_dag(
        NOTHING, timetable=HOURLY, catchup=True, start_date=START - timedelta(hours=20), max_active_runs=1
    )
    world.scheduler.start()
    for _ in range(60):
        world.scheduler.turn(0.0)

    assert len(dates(world)) == 20


def test_a_scheduler_whose_dags_are_full_has_nothing_to_do(world: World) -> None:
    world.add_dag(
        TASK, timetable=HOURLY, catchup=True, start_date=START - timedelta(hours=20), max_active_runs=2
    )
    world.start()

    assert len(dates(world)) == 2
    assert not world.scheduler.has_work


# -- without a pause -----------------------------------------------------------------------------------------


def test_continuous_runs_follow_each_other_one_at_a_time_and_join(world: World) -> None:
    world.add_dag(TASK, timetable=ContinuousTimetable().spec(), start_date=START - timedelta(hours=1))
    world.start()
    for _ in range(3):
        assert world.runs.count("d", states=[RunState.RUNNING, RunState.QUEUED]) == 1
        pass_by(world, minutes=7)
        world.executor.end("a")
        world.settle()

    runs = [run.info.data_interval for run in world.runs.find("d", newest_first=False)]
    ends = [START + timedelta(minutes=7 * n) for n in range(4)]
    assert [(it.start, it.end) for it in runs if it] == list(
        zip([START - timedelta(hours=1), *ends], ends, strict=False)
    )


# -- a large catch-up ----------------------------------------------------------------------------------------


@pytest.fixture
def held(world: World) -> World:
    """A DAG whose first catch-up is larger than what is done without being asked."""
    world.catchup_confirm_above = 20
    world.add_dag(
        NOTHING,
        timetable=EACH_MINUTE,
        catchup=True,
        start_date=START - timedelta(minutes=50),
        max_active_runs=100,
    )
    world.crash()
    return world


def test_a_large_catch_up_waits_until_it_is_confirmed(held: World, caplog: pytest.LogCaptureFixture) -> None:
    assert dates(held) == []
    held.switch(paused=True)
    held.switch(paused=False)
    pass_by(held, minutes=5)
    held.crash()
    assert dates(held) == []
    assert "`tradewind dags catchup d --confirm` makes them all" in caplog.text

    assert held.send(CatchUp(dag_id="d")).refused_reason is None

    assert len(dates(held)) == 55


def test_a_confirmed_catch_up_goes_on_after_a_crash(held: World) -> None:
    held.send(CatchUp(dag_id="d"))
    made = dates(held)
    held.edit_dag(
        TASK, timetable=EACH_MINUTE, catchup=True, start_date=START - timedelta(minutes=50), max_active_runs=1
    )
    held.crash()
    pass_by(held, minutes=3)

    assert len(dates(held)) == len(made) + 1


def test_a_large_catch_up_can_be_skipped_but_for_the_newest_run(held: World) -> None:
    held.send(CatchUp(dag_id="d", skip=True))
    pass_by(held, minutes=2)
    held.crash()

    assert dates(held) == [START + timedelta(minutes=n) for n in (-1, 0, 1)]


def test_a_catch_up_of_a_dag_without_one_is_refused(world: World) -> None:
    world.add_dag(NOTHING, timetable=DAILY, start_date=MIDNIGHT)
    world.start()

    assert "has catchup=False" in (world.send(CatchUp(dag_id="d")).refused_reason or "")


# -- the clock is set ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (START + timedelta(hours=1), "set forward by 1:00:00"),
        (START - timedelta(hours=1), "set back by 1:00:00"),
        (START + timedelta(days=365), "set forward by 365 days"),
        (datetime(1970, 1, 1, tzinfo=UTC), "set back by"),
    ],
)
def test_a_clock_that_is_set_wrong_and_right_again_makes_no_run_twice(
    world: World, caplog: pytest.LogCaptureFixture, wrong: datetime, told: str, catchup: bool
) -> None:
    world.add_dag(
        TASK, timetable=HOURLY, catchup=catchup, start_date=START - timedelta(hours=3), max_active_runs=1000
    )
    world.start()
    before = len(dates(world))
    with caplog.at_level(logging.WARNING):
        world.clock.set_to(wrong)
        pass_by(world, seconds=2)
    assert told in caplog.text
    world.clock.set_to(START + timedelta(seconds=4))
    pass_by(world, seconds=2)
    for _ in range(3):
        pass_by(world, hours=1)

    found = dates(world)
    assert len(found) == len(set(found)) >= before
    hours = [START + timedelta(hours=n) for n in range(3)]
    assert sorted(it for it in found if it and START <= it < START + timedelta(days=1)) == hours
    # A year's worth of runs is more than anybody asked for: with catch-up it waits, and without, one is made too early.
    assert len(found) - before <= (3 if catchup else 4)
    assert world.runs.count("d", states=[RunState.FAILED]) == 0


def test_a_clock_that_is_set_right_at_the_very_moment_of_a_run_does_not_lose_it(world: World) -> None:
    world.add_dag(NOTHING, timetable=HOURLY, start_date=START)
    world.start()
    world.clock.pass_by(hours=1)
    world.scheduler.loop.turn(0.0)  # it is noted that the run is due, and not yet made
    world.clock.set_to(START + timedelta(minutes=59, seconds=50))
    world.settle()
    assert dates(world) == []

    pass_by(world, seconds=20)

    assert dates(world) == [START]


def test_a_scheduler_that_starts_after_the_clock_was_put_right_goes_on_with_the_schedule(
    world: World,
) -> None:
    world.add_dag(NOTHING, timetable=HOURLY, start_date=START)
    world.clock.set_to(START + timedelta(days=365))
    world.start()
    assert len(dates(world)) == 1
    world.scheduler.close()
    world.clock.set_to(START + timedelta(hours=2))
    world.crash()

    assert START + timedelta(hours=1) in dates(world)
    assert len(dates(world)) == 2


def test_a_dag_with_an_unknown_time_zone_hurts_no_other(world: World) -> None:
    lost = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "Atlantis/City"})
    world.add_dag(NOTHING, dag_id="lost", timetable=lost, start_date=MIDNIGHT - timedelta(days=1))
    world.add_dag(NOTHING, timetable=DAILY, start_date=MIDNIGHT - timedelta(days=1))
    world.start()

    assert dates(world) == [MIDNIGHT - timedelta(days=1)]
