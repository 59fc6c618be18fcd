"""What comes in together is decided in order, and a turn of which nobody knows the end loses nothing."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import ClassVar, Literal

from world import HandExecutor, World

from tradewind.errors import StoreError
from tradewind.model.commands import ClearTasks, MarkRun, MarkTasks, TriggerRun
from tradewind.model.outcomes import Failed, Succeeded
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunState, TaskState


def test_a_task_that_fail_fast_has_ended_stays_so_though_its_success_comes_in_the_same_turn(
    world: World,
) -> None:
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"), fail_fast=True)
    world.start()
    world.trigger()
    world.executor.begin("a")
    world.executor.begin("b")
    world.settle()

    world.executor.end("a", Failed("no"))
    world.executor.end("b", Succeeded())
    world.settle()

    assert world.states() == {"a": "failed", "b": "failed"}
    assert "fail_fast" in world.instance("b").reason


def test_a_run_that_is_marked_after_its_end_gives_its_place_back_once(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=1)
    world.start()
    world.trigger()
    world.executor.end("a")
    world.settle()

    world.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED))
    world.send_together(TriggerRun(dag_id="d", run_id="r1"), TriggerRun(dag_id="d", run_id="r2"))

    assert [world.run(run_id).state for run_id in ("r", "r1", "r2")] == ["failed", "running", "queued"]


def test_a_run_that_is_ended_and_cleared_in_one_turn_goes_on(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=1)
    world.start()
    world.trigger()

    world.send_together(
        MarkRun(dag_id="d", run_id="r", state=RunState.FAILED),
        ClearTasks(dag_id="d", run_id="r", task_ids=()),
    )
    assert world.run().state == "running"
    world.executor.end("a")
    world.settle()
    assert world.run().state == "success"


def test_a_command_sees_what_the_one_before_it_did_to_the_same_run(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"))
    world.start()
    world.trigger()

    world.send_together(
        MarkRun(dag_id="d", run_id="r", state=RunState.FAILED),
        ClearTasks(dag_id="d", run_id="r", task_ids=("a",), only=(TaskState.FAILED,)),
        ClearTasks(dag_id="d", run_id="r", task_ids=("b",)),
    )

    assert world.states() == {"a": "skipped", "b": "queued"}
    log = [(it.old, it.new) for it in world.attempts.story(world.run().pk) if it.task_id == "b"]
    assert all(before[1] == after[0] for before, after in pairwise(log))


def test_a_command_that_the_scheduler_fails_over_is_refused_and_stops_nobody(world: World) -> None:
    hourly = TimetableSpec(type="cron_data_interval", args={"cron": "0 * * * *", "timezone": "UTC"})
    world.add_dag(TaskSpec(task_id="a"), timetable=hourly)
    world.start()

    without_zone = datetime(2024, 1, 1)
    bad = world.send(TriggerRun(dag_id="d", run_id="bad", logical_date=without_zone))
    good = world.send(TriggerRun(dag_id="d", run_id="r"))

    assert "TypeError" in (bad.refused_reason or "")
    assert [it.what for it in world.attempts.problems()] == ["the command trigger_run for 'd'"]
    assert good.refused_reason is None
    assert world.run().state == "running"


def test_orders_go_out_though_the_commit_went_through_and_was_not_heard_of(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()

    def fail_once(point: str) -> None:
        if point == "committed":
            world.passing = lambda _point: None
            raise StoreError("the connection to the server is lost", transient=True)

    world.passing = fail_once
    world.send(TriggerRun(dag_id="d", run_id="r"))
    assert world.executor.orders == {}
    world.clock.pass_by(seconds=1)
    world.settle()

    world.executor.end("a")
    world.settle()
    assert world.run().state == "success"


def test_an_attempt_is_ended_though_the_commit_that_revoked_it_was_not_heard_of(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    world.trigger()
    order = world.executor.orders["a"]

    def fail_once(point: str) -> None:
        if point == "committed":
            world.passing = lambda _point: None
            raise StoreError("the connection to the server is lost", transient=True)

    world.passing = fail_once
    world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS))
    world.clock.pass_by(seconds=1)
    world.settle()

    assert [attempt_id for attempt_id, _ in world.executor.cancelled] == [order.attempt_id]


def test_what_an_agent_holds_and_nobody_wants_is_ended_by_the_next_scheduler(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"))
    world.start()
    world.trigger()
    world.executor.begin("b")
    world.settle()
    held = tuple(order.attempt_id for order in world.executor.orders.values())

    class Died(BaseException):
        pass

    def die(point: str) -> None:
        if point == "committed":
            raise Died

    world.passing = die
    try:
        world.send_together(
            MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS),
            ClearTasks(dag_id="d", run_id="r", task_ids=("b",)),
        )
    except Died:
        world.passing = lambda _point: None
    world.crash(held=held)

    assert world.states() == {"a": "success", "b": "restarting"}
    assert sorted(attempt_id for attempt_id, _ in world.executor.cancelled) == sorted(held)


class Queue(HandExecutor):
    """May deliver twice: the worker claims."""

    delivery: ClassVar[Literal["once", "at_least_once"]] = "at_least_once"


def test_the_worker_that_claimed_an_attempt_is_listened_to_and_no_other(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.executor = Queue(world.clock)
    world.remake()
    world.start()
    world.trigger()
    order = world.executor.orders["a"]

    assert world.attempts.claim(order.attempt_id, "session-7", world.clock.now())
    world.executor.end("a", Failed("no"), session="session-1")
    world.settle()
    assert world.states() == {"a": "queued"}

    world.executor.orders["a"] = order
    world.executor.end("a", session="session-7")
    world.settle()
    assert world.states() == {"a": "success"}


def test_an_order_for_a_queue_goes_out_again_after_a_crash_unless_a_worker_has_it(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"))
    world.executor = Queue(world.clock)
    world.remake()
    world.start()
    world.trigger()
    first = dict(world.executor.orders)
    assert world.attempts.claim(first["b"].attempt_id, "session-7", world.clock.now())

    world.scheduler.close()
    world.executor = Queue(world.clock)
    world.remake()
    world.start()

    assert [order.attempt_id for order in world.executor.submitted] == [first["a"].attempt_id]
    assert world.executor.host is not None
    world.executor.host.session_ended("session-7", "its beats stopped")
    world.settle()
    again = world.executor.orders["b"]
    assert (again.attempt_id != first["b"].attempt_id, again.try_number) == (True, 1)
