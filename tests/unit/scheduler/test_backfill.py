"""Backfills through the whole scheduler: made in slices, started in order, paused, cancelled, taken up after a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from world import World

from tradewind.model.backfill import BackfillRow, ReprocessBehavior, SlotResult
from tradewind.model.commands import (
    CancelBackfill,
    CreateBackfill,
    DeleteDag,
    MarkRun,
    PauseBackfill,
    TriggerRun,
)
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunState, RunType
from tradewind.store.backfills import BackfillRepository
from tradewind.store.callbacks import CallbackRepository

DAY = datetime(2023, 1, 1, tzinfo=UTC)
HOURLY = TimetableSpec(type="delta_data_interval", args={"seconds": 3600})
DAILY = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})


def add(world: World, *tasks: TaskSpec, **fields: Any) -> None:
    """A DAG that is switched off: none but the backfill makes runs of it."""
    known: dict[str, Any] = {"timetable": DAILY, "paused": True, "max_active_runs": 1}
    world.add_dag(*(tasks or (TaskSpec(task_id="a"),)), **{**known, **fields})
    world.start()


def create(world: World, days: int = 3, **fields: Any) -> int:
    command = CreateBackfill(
        **{"dag_id": "d", "from_date": DAY, "to_date": DAY + timedelta(days=days - 1), **fields}
    )
    row = world.send(command)
    assert row.refused_reason is None, row.refused_reason
    assert row.result is not None
    go_on(world)
    made: int = row.result["id"]
    return made


def go_on(world: World) -> None:
    """Let it work until there is nothing left to do."""
    for _ in range(500):
        world.scheduler.turn(0.0)
        if not world.scheduler.has_work:
            return
    raise AssertionError("it never comes to rest")


def row_of(world: World, number: int = 1) -> BackfillRow:
    return BackfillRepository(world.store).get(number)


def runs(world: World) -> list[tuple[str, str]]:
    """(day, state) of the DAG's runs by logical date."""
    found = world.runs.find("d", newest_first=False, limit=None)
    return [(f"{run.info.logical_date:%d}", str(run.state)) for run in found]


def end_all(world: World) -> list[str]:
    """End whatever is handed over, until nothing is; the logical dates in the order in which they were started."""
    order: list[str] = []
    while world.open_orders():
        one = world.open_orders()[0]
        order.append(f"{one.run.logical_date:%d}")
        world.executor.orders[one.task_id] = one
        world.executor.end(one.task_id)
        go_on(world)
    return order


def test_a_backfill_of_a_dag_that_is_switched_off_runs_to_its_end(world: World) -> None:
    add(world)
    create(world, dag_run_conf={"k": 1})
    assert runs(world) == [("01", "running"), ("02", "running"), ("03", "running")]
    assert world.runs.find("d")[0].info.conf == {"k": 1}
    assert {run.info.run_type for run in world.runs.find("d")} == {RunType.BACKFILL}

    end_all(world)

    assert [state for _, state in runs(world)] == ["success"] * 3
    assert row_of(world).completed_at is not None
    assert world.scheduler.memory.dags["d"].backfill is None
    create(world, reprocess_behavior=ReprocessBehavior.COMPLETED)  # another one may follow
    assert [state for _, state in runs(world)] == ["running"] * 3


@pytest.mark.parametrize(("backwards", "order"), [(False, ["01", "02", "03"]), (True, ["03", "02", "01"])])
def test_runs_start_in_order_and_no_more_at_once_than_asked_for(
    world: World, backwards: bool, order: list[str]
) -> None:
    add(world)
    create(world, max_active_runs=1, run_backwards=backwards)
    assert [state for _, state in runs(world)].count("running") == 1

    assert end_all(world) == order


def test_its_limit_is_apart_from_that_of_the_dag(world: World) -> None:
    add(world, paused=False, timetable=DAILY, start_date=datetime(2030, 1, 1, tzinfo=UTC))
    world.send(TriggerRun(dag_id="d", run_id="mine"))
    create(world, max_active_runs=2)

    states = {run.info.run_id: run.state for run in world.runs.find("d")}

    assert states.pop("mine") == "running"
    assert sorted(states.values()) == ["queued", "running", "running"]


def test_paused_it_starts_nothing_and_goes_on_when_told(world: World) -> None:
    add(world)
    number = create(world, max_active_runs=1)
    world.send(PauseBackfill(dag_id="d", backfill_id=number, paused=True))
    assert end_all(world) == ["01"]
    assert [state for _, state in runs(world)] == ["success", "queued", "queued"]
    world.crash()
    go_on(world)
    assert world.open_orders() == []

    world.send(PauseBackfill(dag_id="d", backfill_id=number, paused=False))

    assert end_all(world) == ["02", "03"]


def test_cancelled_it_lets_what_runs_go_on_and_ends_what_is_queued(world: World) -> None:
    add(world)
    number = create(world, days=60, max_active_runs=2)
    world.send(CancelBackfill(dag_id="d", backfill_id=number))
    go_on(world)

    states = [state for _, state in runs(world)]
    assert (states.count("running"), states.count("failed")) == (2, 58)
    assert world.runs.find("d", states=[RunState.FAILED])[0].reason == "backfill 1 was cancelled"
    assert row_of(world).completed_at is None
    end_all(world)
    assert row_of(world).completed_at is not None
    refused = world.send(CancelBackfill(dag_id="d", backfill_id=number)).refused_reason
    assert refused is not None
    assert "completed" in refused


def test_a_run_that_never_began_before_its_backfill_was_cancelled_calls_nothing(world: World) -> None:
    add(world, callbacks=("on_failure_callback",))
    number = create(world, days=3, max_active_runs=1)
    world.send(CancelBackfill(dag_id="d", backfill_id=number))
    go_on(world)

    assert [state for _, state in runs(world)].count("failed") == 2
    assert CallbackRepository(world.store).find("d") == []


def test_what_is_there_is_left_alone_or_goes_again_as_asked(world: World) -> None:
    add(world)
    for day, state in ((0, RunState.SUCCESS), (1, RunState.FAILED)):
        world.send(TriggerRun(dag_id="d", run_id=f"r{day}", logical_date=DAY + timedelta(days=day)))
        world.send(MarkRun(dag_id="d", run_id=f"r{day}", state=state))

    number = create(world, reprocess_behavior=ReprocessBehavior.FAILED)

    slots = BackfillRepository(world.store).slots(number)
    assert [slot.result for slot in slots] == [SlotResult.EXISTS, SlotResult.CLEARED, SlotResult.CREATED]
    assert slots[1].run_pk == world.run("r1").pk
    assert world.run("r1").info.run_type == RunType.BACKFILL
    assert (world.run("r0").state, world.run("r1").state) == ("success", "running")
    assert end_all(world) == ["02", "03"]


def test_a_second_backfill_of_the_dag_and_its_deletion_are_refused_while_one_is_open(world: World) -> None:
    add(world)
    create(world)
    second = world.send(CreateBackfill(dag_id="d", from_date=DAY, to_date=DAY))
    assert "AlreadyRunningBackfill" in (second.refused_reason or "")
    assert "tradewind backfill cancel 1" in (world.send(DeleteDag(dag_id="d")).refused_reason or "")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"run_backwards": True}, "InvalidBackfillDirection"),
        ({}, "InvalidReprocessBehavior"),
        ({"from_date": DAY + timedelta(days=9)}, "InvalidBackfillDate"),
        (
            {"from_date": datetime(2999, 1, 1, tzinfo=UTC), "to_date": datetime(2999, 1, 2, tzinfo=UTC)},
            "future",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(world: World, fields: dict[str, Any], reason: str) -> None:
    add(world, TaskSpec(task_id="a", depends_on_past=True))
    given = {"dag_id": "d", "from_date": DAY, "to_date": DAY + timedelta(days=2), **fields}
    assert reason in (world.send(CreateBackfill(**given)).refused_reason or "")


def test_the_first_run_of_a_backfill_depends_on_no_other(world: World) -> None:
    add(world, TaskSpec(task_id="a", depends_on_past=True))
    world.send(TriggerRun(dag_id="d", run_id="before", logical_date=DAY - timedelta(days=1)))
    world.send(MarkRun(dag_id="d", run_id="before", state=RunState.FAILED))

    create(world, reprocess_behavior=ReprocessBehavior.FAILED)

    assert [f"{it.run.logical_date:%d}" for it in world.open_orders()] == ["01"]
    assert end_all(world) == ["01", "02", "03"]


def test_a_failed_run_does_not_stop_a_backfill(world: World) -> None:
    add(world)
    create(world, max_active_runs=1)
    world.executor.end("a", Failed("no"))
    go_on(world)

    assert end_all(world) == ["02", "03"]
    assert [state for _, state in runs(world)] == ["failed", "success", "success"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_scheduler_that_dies_at_any_turn_goes_on_where_it_was(world: World, backwards: bool) -> None:
    """It is taken down after each turn in which it was at work; nothing is made twice, and nothing is left out."""
    add(world, timetable=HOURLY)
    command = CreateBackfill(
        dag_id="d", from_date=DAY, to_date=DAY + timedelta(hours=299), run_backwards=backwards
    )
    world.commands.submit(command, id=world.ids.new_id(), actor="ann", at=world.clock.now())
    for _ in range(60):
        world.scheduler.ring()
        world.scheduler.turn(0.0)
        world.scheduler.close()
        world.scheduler = world._made()
        world.scheduler.start()
    go_on(world)

    found = world.runs.find("d", limit=None, newest_first=False)
    assert [run.info.logical_date for run in found] == [DAY + timedelta(hours=n) for n in range(300)]
    slots = BackfillRepository(world.store).slots(1)
    assert [slot.number for slot in slots] == list(range(1, 301))
    assert {slot.result for slot in slots} == {SlotResult.CREATED}
    assert len({slot.run_pk for slot in slots}) == 300
    running = sorted(run.info.logical_date for run in found if run.state == "running")
    expected = range(290, 300) if backwards else range(10)
    assert running == [DAY + timedelta(hours=n) for n in expected]


def test_many_queued_runs_take_next_to_no_memory_and_no_turn_does_much(world: World) -> None:
    """A thousand runs of ten tasks: what is in memory is what runs, and each turn writes a bounded number of rows."""
    add(world, *(TaskSpec(task_id=f"t{n}") for n in range(10)), timetable=HOURLY)
    most = 0

    def count(transitions: object) -> None:
        nonlocal most
        most = max(most, len(world.scheduler.memory.runs))

    world.scheduler.listeners.append(count)
    command = CreateBackfill(dag_id="d", from_date=DAY, to_date=DAY + timedelta(hours=999), max_active_runs=2)
    world.commands.submit(command, id=world.ids.new_id(), actor="ann", at=world.clock.now())
    world.scheduler.ring()
    made = 0
    while world.scheduler.has_work:
        world.scheduler.turn(0.0)
        now = world.runs.count("d")
        assert now - made <= 50
        made = now
    assert made == 1000
    assert most == 2
    assert len(world.scheduler.memory.dags["d"].backfill.queued) == 998  # type: ignore[union-attr]

    world.crash()

    assert len(world.scheduler.memory.runs) == 2
