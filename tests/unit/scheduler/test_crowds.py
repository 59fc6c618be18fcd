"""Many at once: no turn does it all, so that nobody else waits."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from world import START, World

from tradewind.model.commands import TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunState

DAILY = TimetableSpec(type="cron_data_interval", args={"cron": "0 0 * * *", "timezone": "UTC"})


def test_dags_that_are_due_at_one_moment_get_their_runs_in_parts_and_all_of_them(world: World) -> None:
    for number in range(250):
        world.add_dag(
            TaskSpec(task_id="a"), dag_id=f"d{number}", timetable=DAILY, start_date=START, catchup=True
        )
    world.start()
    world.clock.moment = datetime(2024, 1, 12, 0, 0, 1, tzinfo=UTC)
    made = [0]
    while not made[1:] or made[-1] != made[-2] or world.scheduler.has_work:
        world.scheduler.turn(0.0)
        made.append(world.runs.count())

    assert made[-1] == 250
    assert max(after - before for before, after in pairwise(made)) <= 100


def test_a_retry_storm_leaves_room_for_a_healthy_dag(world: World) -> None:
    storm = [TaskSpec(task_id=f"t{n}", retries=5, retry_delay=60) for n in range(700)]
    world.add_dag(*storm, dag_id="storm", max_active_tasks=1000)
    world.add_dag(TaskSpec(task_id="a"), dag_id="healthy")
    world.executor._capacity = 700
    world.start()
    world.send(TriggerRun(dag_id="storm", run_id="r", logical_date=datetime(2020, 1, 1, tzinfo=UTC)))
    while world.executor.orders:
        for task_id in list(world.executor.orders):
            world.executor.end(task_id, Failed("the server is down"))
        world.settle()
    world.executor._capacity = 2
    world.clock.pass_by(seconds=61)
    world.scheduler.turn(0.0)
    assert len(world.open_orders()) == 2  # of 700 that want to go again

    world.send(TriggerRun(dag_id="healthy", run_id="r"))
    order = world.open_orders()[0]
    world.executor.orders[order.task_id] = order
    world.executor.end(order.task_id, Failed("still down"))
    world.settle()

    assert "healthy" in {it.run.dag_id for it in world.open_orders()}


def test_runs_that_wait_are_not_kept_whole_in_memory(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=1)
    world.start()
    for number in range(30):
        world.commands.submit(
            TriggerRun(dag_id="d", run_id=f"r{number}"),
            id=world.ids.new_id(),
            actor="ann",
            at=world.clock.now(),
        )
    world.scheduler.ring()
    world.settle()
    assert list(world.scheduler.memory.runs) == [1]

    for _ in range(30):
        assert len(world.runs.find("d", states=[RunState.RUNNING])) == 1
        world.executor.end("a")
        world.settle()
    assert world.runs.count(states=[RunState.SUCCESS]) == 30
