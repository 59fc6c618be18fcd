"""Tries that wait without a slot: what is written down, what ends a wait, and what a crash changes, which is nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from world import World

from tradewind.model.commands import ClearTasks, MarkRun, MarkTasks, PoolChanged
from tradewind.model.facts import WaitEnded, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import AwaitsInput, Deferred, Failed, Rescheduled, Succeeded
from tradewind.model.spec import TaskSpec
from tradewind.model.states import RunState, TaskState
from tradewind.model.waits import FAIL, RunsAwaited
from tradewind.store.pools import PoolRepository
from tradewind.store.waits import WaitRepository

TRIGGER = Deferred("m.T", '{"n":1}', "go_on", '{"k":2}')


def defer(world: World, task_id: str = "a", outcome: Deferred | AwaitsInput | Rescheduled = TRIGGER) -> Order:
    """The task's attempt begins, and ends by waiting; its order."""
    world.executor.begin(task_id)
    world.settle()
    order = world.executor.end(task_id, outcome)
    world.settle()
    return order


def fires(world: World, attempt_id: str, event: str | None = '"now"', error: str | None = None) -> None:
    world.scheduler.take_fact(
        WaitEnded(attempt_id=attempt_id, at=world.clock.now(), event=event, error=error), "t", None
    )
    world.settle()


@pytest.fixture
def one(world: World) -> World:
    """A run of a DAG with one task that may be tried twice, ready to begin."""
    world.add_dag(TaskSpec(task_id="a", retries=1, retry_delay=0))
    world.start()
    world.trigger()
    return world


def test_the_same_try_goes_on_in_the_method_with_the_event(one: World) -> None:
    first = defer(one)
    assert one.instance("a").state == "deferred"
    assert "m.T" in one.instance("a").reason
    assert one.executor.orders == {}

    fires(one, first.attempt_id)
    second = one.executor.orders["a"]
    assert second.resume == {"method": "go_on", "kwargs": '{"k":2}', "event": '"now"'}
    assert (second.try_number, second.attempt_id != first.attempt_id) == (1, True)

    one.executor.end("a")
    one.settle()
    assert one.run().state == "success"
    assert WaitRepository(one.store).all() == {}


@pytest.mark.parametrize("times", [2, 3])
def test_an_event_that_comes_twice_has_one_effect(one: World, times: int) -> None:
    first = defer(one)
    for _ in range(times):
        fires(one, first.attempt_id)
    assert len(one.executor.submitted) == 2


def test_an_event_of_an_earlier_wait_changes_nothing(one: World) -> None:
    first = defer(one)
    fires(one, first.attempt_id)
    second = defer(one)
    fires(one, first.attempt_id, '"late"')
    assert one.states() == {"a": "deferred"}
    fires(one, second.attempt_id, '"in time"')
    assert one.executor.orders["a"].resume["event"] == '"in time"'  # type: ignore[index]


def test_a_wait_survives_its_scheduler_and_so_does_what_came_of_it(one: World) -> None:
    first = defer(one)
    one.crash(session="session-2")
    assert one.states() == {"a": "deferred"}
    fires(one, first.attempt_id)
    one.crash(session="session-3")  # before the attempt that goes on has begun
    resumed = one.executor.orders["a"]
    assert resumed.resume == {"method": "go_on", "kwargs": '{"k":2}', "event": '"now"'}
    one.executor.end("a")
    one.settle()
    assert one.run().state == "success"


def test_values_pushed_before_the_wait_stay(one: World) -> None:
    one.executor.begin("a")
    one.settle()
    order = one.executor.end("a", Failed("once"))
    one.settle()
    one.settle()
    one.executor.begin("a")
    one.settle()
    order = one.executor.end("a", TRIGGER, xcoms=(XCom(key="k", value=b"1", size=1),))
    one.settle()
    fires(one, order.attempt_id)
    with one.store.read() as connection:
        from tradewind.store.tables import xcom

        assert [row.key for row in connection.execute(xcom.select())] == ["k"]


def test_a_trigger_that_failed_makes_the_task_fail_by_itself(one: World) -> None:
    first = defer(one)
    fires(one, first.attempt_id, None, "it raised ValueError")
    assert one.executor.orders["a"].resume == {
        "method": FAIL,
        "error": "it raised ValueError",
        "timed_out": False,
    }
    one.executor.end("a", Failed("TaskDeferralError"))
    one.settle()
    one.settle()
    assert one.executor.orders["a"].try_number == 2
    assert one.executor.orders["a"].resume is None


def test_the_time_that_a_task_gives_its_trigger_is_kept_over_a_crash(one: World) -> None:
    defer(one, outcome=Deferred("m.T", timeout=60.0))
    one.clock.pass_by(seconds=59)
    one.crash(session="session-2")
    assert one.executor.orders == {}
    one.clock.pass_by(seconds=1)
    one.settle()
    resume = one.executor.orders["a"].resume
    assert resume is not None
    assert (resume["method"], resume["timed_out"]) == (FAIL, True)


def test_waiting_does_not_stretch_the_execution_timeout(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a", execution_timeout=30.0))
    world.start()
    world.trigger()
    defer(world, outcome=Deferred("m.T", timeout=3600.0))
    world.clock.pass_by(seconds=31)
    world.settle()
    assert world.executor.orders["a"].resume["timed_out"] is True  # type: ignore[index]


def test_a_moment_that_is_known_is_waited_for_by_the_scheduler(one: World) -> None:
    moment = one.clock.now() + timedelta(minutes=5)
    defer(one, outcome=Deferred("m.T", until=moment, event='"then"'))
    one.crash(session="session-2")
    one.clock.pass_by(minutes=5)
    one.settle()
    assert one.executor.orders["a"].resume["event"] == '"then"'  # type: ignore[index]


def test_a_sensor_looks_again_in_the_same_try_and_knows_since_when(one: World) -> None:
    began = one.clock.now()
    for rounds in (1, 2):
        defer(one, outcome=Rescheduled(one.clock.now() + timedelta(seconds=10)))
        assert one.states() == {"a": "up_for_reschedule"}
        one.crash(session=f"session-{rounds + 1}")
        one.clock.pass_by(seconds=10)
        one.settle()
        order = one.executor.orders["a"]
        assert (order.try_number, order.rounds, order.since, order.resume) == (1, rounds, began, None)
    one.executor.end("a", Failed("no"))
    one.settle()
    one.settle()
    assert (one.executor.orders["a"].rounds, one.executor.orders["a"].since) == (0, None)


@pytest.mark.parametrize("how", ["clear", "mark", "mark run"])
def test_who_does_not_wait_any_more_is_forgotten(one: World, how: str) -> None:
    first = defer(one)
    match how:
        case "clear":
            one.send(ClearTasks(dag_id="d", run_id="r"))
            assert one.executor.orders["a"].resume is None
        case "mark":
            one.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS))
            assert one.run().state == "success"
        case "mark run":
            one.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED))
            assert one.states() == {"a": "failed"}
    assert WaitRepository(one.store).all() == {}
    before = one.states()
    fires(one, first.attempt_id)
    assert one.states() == before


def test_a_deferred_task_holds_slots_of_a_pool_that_wants_it_to(world: World) -> None:
    pools = PoolRepository(world.store)
    pools.set("db", 1, include_deferred=True)
    world.add_dag(TaskSpec(task_id="a", pool="db", priority_weight=2), TaskSpec(task_id="b", pool="db"))
    world.start()
    world.trigger()
    defer(world)
    assert world.executor.orders == {}
    world.crash(session="session-2")
    assert world.executor.orders == {}

    pools.set("db", 1, include_deferred=False)
    world.send(PoolChanged(name="db"))
    assert list(world.executor.orders) == ["b"]


def test_a_deferred_task_holds_no_slot_otherwise(world: World) -> None:
    PoolRepository(world.store).set("db", 1)
    world.add_dag(TaskSpec(task_id="a", pool="db", priority_weight=2), TaskSpec(task_id="b", pool="db"))
    world.start()
    world.trigger()
    defer(world)
    assert list(world.executor.orders) == ["b"]


def test_who_waits_for_another_dag_goes_on_when_that_is_committed(one: World) -> None:
    awaited = RunsAwaited(dag_id="other", run_ids=("r",), task_ids=("x",), failed=("failed",))
    one.add_dag(TaskSpec(task_id="x"), TaskSpec(task_id="y"), dag_id="other")
    defer(one, outcome=Deferred("m.T", runs=awaited))
    one.trigger("other")
    assert one.states() == {"a": "deferred"}
    one.crash(session="session-2")
    one.executor.end("y", Succeeded())
    one.settle()
    assert one.states() == {"a": "deferred"}
    one.executor.end("x", Succeeded())
    one.settle()
    resume = one.executor.orders["a"].resume
    assert resume is not None
    assert '"status": "success"' in resume["event"]


def test_who_waits_for_what_is_there_already_does_not_wait(one: World) -> None:
    one.add_dag(TaskSpec(task_id="x"), dag_id="other")
    one.trigger("other")
    one.executor.end("x", Failed("no", retry="never"))
    one.settle()
    defer(one, outcome=Deferred("m.T", runs=RunsAwaited(dag_id="other", run_ids=("r",), failed=("failed",))))
    resume = one.executor.orders["a"].resume
    assert resume is not None
    assert '"status": "failed"' in resume["event"]


@pytest.mark.parametrize("crash", [False, True])
def test_what_waits_goes_on_waiting_when_its_run_takes_another_version(world: World, crash: bool) -> None:
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="gone"), TaskSpec(task_id="broken"))
    world.start()
    world.trigger()
    first, gone = defer(world), defer(world, "gone")
    world.executor.end("broken", Failed("ValueError", retry="never"))
    world.settle()
    world.add_dag(TaskSpec(task_id="new"), TaskSpec(task_id="broken"), TaskSpec(task_id="a"))

    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("broken",), run_on_latest_version=True))

    assert world.states() == {"a": "deferred", "gone": "removed", "broken": "queued", "new": "queued"}
    (left,) = WaitRepository(world.store).all().values()
    assert left.attempt_id == first.attempt_id
    if crash:
        world.crash()
    fires(world, gone.attempt_id)
    fires(world, first.attempt_id)
    assert world.executor.orders["a"].resume == {"method": "go_on", "kwargs": '{"k":2}', "event": '"now"'}
    for name in ("a", "broken", "new"):
        world.executor.end(name)
        world.settle()
    assert world.run().state == "success"
