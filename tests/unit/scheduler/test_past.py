"""Tasks that look at the run before, DAGs that are switched off, and limits on runs: through the whole scheduler."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from world import World

from tradewind.model.backfill import ReprocessBehavior
from tradewind.model.commands import ClearTasks, CreateBackfill, MarkTasks, SetPaused, TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunType, TaskState, TriggerRule

DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAILY = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})
PAST = TaskSpec(task_id="a", depends_on_past=True)
CHAIN = (
    TaskSpec(task_id="a", downstream=("b",), wait_for_downstream=True),
    TaskSpec(task_id="b"),
)


def start(world: World, *numbers: int, run_type: RunType = RunType.SCHEDULED) -> None:
    """Make the runs of these days."""
    for number in numbers:
        row = world.send(
            TriggerRun(
                dag_id="d", run_id=f"r{number}", logical_date=DAY + timedelta(days=number), run_type=run_type
            )
        )
        assert row.refused_reason is None


def end(world: World, run_id: str, task_id: str, failed: bool = False) -> None:
    """The task's attempt in that run has ended."""
    (order,) = [
        it
        for it in world.executor.submitted
        if (it.run.run_id, it.task_id) == (run_id, task_id) and it.attempt_id not in world.ended
    ]
    world.ended.add(order.attempt_id)
    world.executor.orders[task_id] = order
    world.executor.end(task_id, Failed("no") if failed else None)
    world.settle()


def test_an_instance_starts_in_the_turn_in_which_its_task_ends_in_the_run_before(world: World) -> None:
    world.add_dag(PAST)
    world.start()
    start(world, 1, 2, 3)
    assert [world.states(f"r{n}") for n in (1, 2, 3)] == [{"a": "queued"}, {"a": None}, {"a": None}]

    end(world, "r1", "a")
    assert [world.states(f"r{n}")["a"] for n in (2, 3)] == ["queued", None]

    end(world, "r2", "a")
    end(world, "r3", "a")
    assert world.run("r3").state == "success"


def test_a_failure_holds_the_next_run_until_it_is_mended(world: World) -> None:
    world.add_dag(PAST)
    world.start()
    start(world, 1, 2)
    end(world, "r1", "a", failed=True)
    assert world.run("r1").state == "failed"
    assert world.states("r2") == {"a": None}

    world.send(MarkTasks(dag_id="d", run_id="r1", task_ids=("a",), state=TaskState.SUCCESS))

    assert world.states("r2") == {"a": "queued"}


def test_a_teardown_waits_for_work_that_its_past_holds_back(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="up", downstream=("a", "down"), is_setup=True),
        TaskSpec(task_id="a", downstream=("down",), depends_on_past=True),
        TaskSpec(task_id="down", is_teardown=True, trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS),
    )
    world.start()
    start(world, 1, 2)
    for run_id in ("r1", "r2"):
        end(world, run_id, "up")
    end(world, "r1", "a", failed=True)
    end(world, "r1", "down")
    assert world.states("r1") == {"up": "success", "a": "failed", "down": "success"}
    assert world.run("r1").state == "failed"
    assert world.states("r2") == {"up": "success", "a": None, "down": None}

    world.send(MarkTasks(dag_id="d", run_id="r1", task_ids=("a",), state=TaskState.SUCCESS))
    end(world, "r2", "a")
    assert world.states("r2")["down"] == "queued"


def test_a_task_that_waits_for_its_past_does_so_in_another_version_too(world: World) -> None:
    world.add_dag(TaskSpec(task_id="gone"), TaskSpec(task_id="other"), PAST)
    world.start()
    start(world, 1, 2)
    end(world, "r1", "other")
    end(world, "r2", "other")
    world.add_dag(PAST, TaskSpec(task_id="other"))
    world.send(ClearTasks(dag_id="d", run_id="r2", task_ids=("other",), run_on_latest_version=True))
    assert world.states("r2") == {"gone": "removed", "other": "queued", "a": None}

    end(world, "r1", "a")
    assert world.states("r2")["a"] == "queued"


def test_a_run_that_is_cleared_and_ends_well_lets_the_next_one_go(world: World) -> None:
    world.add_dag(PAST)
    world.start()
    start(world, 1, 2)
    end(world, "r1", "a", failed=True)

    world.send(ClearTasks(dag_id="d", run_id="r1"))
    end(world, "r1", "a")

    assert world.states("r2") == {"a": "queued"}


def test_wait_for_downstream_waits_for_what_is_directly_behind(world: World) -> None:
    world.add_dag(*CHAIN)
    world.start()
    start(world, 1, 2)
    end(world, "r1", "a")
    assert world.states("r2") == {"a": None, "b": None}

    end(world, "r1", "b")

    assert world.states("r2") == {"a": "queued", "b": None}


@pytest.mark.parametrize("before_the_crash", [True, False])
def test_what_waits_for_its_past_goes_on_after_a_crash(world: World, before_the_crash: bool) -> None:
    world.add_dag(PAST)
    world.start()
    start(world, 1, 2)
    assert world.states("r2") == {"a": None}
    order = world.executor.orders["a"]
    if before_the_crash:
        # the end of the earlier task is committed, and the scheduler dies before it does anything more
        with world.store.write() as connection:
            from sqlalchemy import text

            connection.execute(text("UPDATE task_instance SET state = 'success' WHERE state = 'queued'"))
            connection.execute(text("UPDATE dag_run SET state = 'success' WHERE run_id = 'r1'"))
            connection.execute(text("UPDATE attempt SET open = NULL, ended_at = 1"))
        world.crash()
    else:
        world.crash(held=(order.attempt_id,))
        world.executor.orders["a"] = order
        world.executor.end("a")
        world.settle()

    assert world.states("r2") == {"a": "queued"}


def test_a_run_made_in_between_is_the_previous_one_from_then_on(world: World) -> None:
    world.add_dag(PAST)
    world.start()
    start(world, 1, 5)
    assert world.states("r5") == {"a": None}
    start(world, 3)

    end(world, "r1", "a")
    assert world.states("r5") == {"a": None}
    end(world, "r3", "a")

    assert world.states("r5") == {"a": "queued"}


def test_runs_made_and_ended_in_one_turn_know_each_other(world: World) -> None:
    """Tasks without code end in the turn in which their run starts, before the store knows of it."""
    world.add_dag(TaskSpec(task_id="a", depends_on_past=True, runs_code=False))
    world.start()
    for number in (1, 2, 3):
        world.commands.submit(
            TriggerRun(dag_id="d", run_id=f"r{number}", logical_date=DAY + timedelta(days=number)),
            id=world.ids.new_id(),
            actor="ann",
            at=world.clock.now(),
        )
    world.scheduler.ring()
    world.settle()

    assert [world.run(f"r{number}").state for number in (1, 2, 3)] == ["success"] * 3


def test_a_dag_that_catches_up_does_not_look_at_runs_made_by_hand(world: World) -> None:
    world.add_dag(PAST, catchup=True)
    world.start()
    start(world, 1, run_type=RunType.MANUAL)
    start(world, 2)

    assert world.states("r2") == {"a": "queued"}


def test_a_new_task_has_no_past_unless_it_is_told_to_wait_for_one(world: World) -> None:
    world.add_dag(TaskSpec(task_id="other"))
    world.start()
    start(world, 1)
    world.add_dag(
        TaskSpec(task_id="other"),
        TaskSpec(task_id="new", depends_on_past=True),
        TaskSpec(task_id="strict", depends_on_past=True, ignore_first_depends_on_past=False),
    )
    from tradewind.model.commands import DagChanged

    world.send(DagChanged(dag_id="d"))
    start(world, 2)

    assert world.states("r2") == {"other": "queued", "new": "queued", "strict": None}


def test_a_dag_is_switched_off_after_so_many_failed_runs_in_a_row(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_consecutive_failed_dag_runs=3)
    world.start()
    for number, failed in enumerate([True, True, False, True, True], 1):
        start(world, number)
        end(world, f"r{number}", "a", failed=failed)
    assert world.dag().paused is False

    start(world, 6)
    end(world, "r6", "a", failed=True)

    assert world.dag().paused is True
    assert world.dag().paused_reason == "its newest 3 runs failed (max_consecutive_failed_dag_runs)"
    world.switch(paused=False)
    assert (world.dag().paused, world.dag().paused_reason) == (False, None)


def test_a_dag_runs_no_more_runs_at_once_than_it_may(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=2)
    world.start()
    start(world, *range(1, 6))
    assert [world.run(f"r{n}").state for n in range(1, 6)] == ["running"] * 2 + ["queued"] * 3

    world.crash(held=tuple(it.attempt_id for it in world.executor.submitted))
    assert [world.run(f"r{n}").state for n in range(1, 6)] == ["running"] * 2 + ["queued"] * 3


@pytest.mark.parametrize(
    ("limits", "of_dag", "expected"),
    [
        ({}, {"max_active_tasks": 3}, 6),  # three in each of two runs
        ({"max_active_tis_per_dag": 1}, {}, 1),
        ({"max_active_tis_per_dagrun": 1}, {}, 2),
    ],
)
def test_no_limit_on_tasks_is_exceeded_and_all_come_to_their_turn(
    world: World, limits: dict[str, int], of_dag: dict[str, int], expected: int
) -> None:
    world.executor._capacity = 100
    world.add_dag(TaskSpec(task_id="a", **limits), max_active_runs=2, **of_dag)
    if "max_active_tasks" in of_dag:
        world.add_dag(*(TaskSpec(task_id=f"t{n}") for n in range(4)), max_active_runs=2, **of_dag)
    world.start()
    start(world, 1, 2)
    seen = 0
    while world.open_orders():
        assert len(world.open_orders()) <= expected
        most = max(Counter(order.run.run_id for order in world.open_orders()).values())
        assert most <= of_dag.get("max_active_tasks", most)
        seen = max(seen, len(world.open_orders()))
        order = world.open_orders()[0]
        end(world, order.run.run_id, order.task_id)
    assert seen == expected
    assert {world.run(f"r{n}").state for n in (1, 2)} == {"success"}


def test_a_run_that_a_backfill_makes_in_the_same_turn_is_the_previous_one(world: World) -> None:
    world.add_dag(PAST, timetable=DAILY, paused=True, start_date=datetime(2030, 1, 1, tzinfo=UTC))
    world.start()
    start(world, 5)
    world.send(
        CreateBackfill(
            dag_id="d",
            from_date=DAY,
            to_date=DAY,
            reprocess_behavior=ReprocessBehavior.FAILED,
        ),
        settle=False,
    )
    world.scheduler.turn(0.0)  # its slots are put down
    assert world.runs.count("d") == 1

    world.send(SetPaused(dag_id="d", paused=False), settle=False)
    world.scheduler.turn(0.0)  # its run is made, and the later run starts

    assert world.runs.count("d") == 2
    assert world.run("r5").state == "running"
    assert world.states("r5") == {"a": None}
    world.settle()
    end(world, f"backfill__{DAY.isoformat()}", "a")
    assert world.states("r5") == {"a": "queued"}
