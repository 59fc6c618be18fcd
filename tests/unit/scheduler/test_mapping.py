"""Mapped tasks under a real scheduler and database: rows, limits, restarts, thousands of instances."""

from __future__ import annotations

import time

from world import World

from tradewind.model.commands import ClearTasks, RespondInput
from tradewind.model.facts import XCom
from tradewind.model.outcomes import AwaitsInput, Failed
from tradewind.model.spec import GroupSpec, LengthSpec, TaskSpec
from tradewind.store.callbacks import CallbackRepository
from tradewind.store.runs import RunRepository

OF_GEN = LengthSpec(kind="xcom", task_id="gen")


def returned(length: int) -> tuple[XCom, ...]:
    return (XCom(key="return_value", value=b"[]", length=length),)


def states(world: World) -> dict[str, str | None]:
    found = RunRepository(world.store).task_instances(world.run().pk)
    return {it.task_id if it.map_index < 0 else f"{it.task_id}[{it.map_index}]": it.state for it in found}


def chain(world: World, length: int, **mapped: object) -> None:
    """gen, then m mapped over what it returns, then last; gen has ended."""
    world.add_dag(
        TaskSpec(task_id="gen", downstream=("m",)),
        TaskSpec(task_id="m", downstream=("last",), mapped=OF_GEN, **mapped),  # type: ignore[arg-type]
        TaskSpec(task_id="last"),
    )
    world.start()
    world.trigger()
    world.executor.end("gen", xcoms=returned(length))
    world.settle()


def finish_all(world: World) -> None:
    """Let everything that was handed out succeed, until nothing more is."""
    while world.executor.orders:
        for label in list(world.executor.orders):
            world.executor.end(label)
        world.settle()


def test_instances_have_rows_orders_and_logs_of_their_own(world: World) -> None:
    chain(world, 3)
    assert states(world) == {
        "gen": "success",
        "m[0]": "queued",
        "m[1]": "queued",
        "m[2]": "queued",
        "last": None,
    }
    order = world.executor.orders["m[2]"]
    assert (order.task_id, order.map_index) == ("m", 2)
    assert order.log_path == "d/r/m/map_index=2/1.log"
    finish_all(world)
    assert world.run().state == "success"


def test_an_empty_list_leaves_the_task_as_a_whole_skipped(world: World) -> None:
    chain(world, 0)
    assert states(world) == {"gen": "success", "m": "skipped", "last": "skipped"}


def test_limits_per_task_count_instances(world: World) -> None:
    chain(world, 4, max_active_tis_per_dagrun=2)
    assert sorted(world.executor.orders) == ["m[0]", "m[1]"]
    world.executor.end("m[0]")
    world.settle()
    assert sorted(world.executor.orders) == ["m[1]", "m[2]"]


def test_a_retry_is_of_one_instance(world: World) -> None:
    chain(world, 2, retries=1, retry_delay=60)
    world.executor.end("m[1]", Failed("ValueError"))
    world.executor.end("m[0]")
    world.settle()
    assert states(world)["m[1]"] == "up_for_retry"
    world.clock.pass_by(seconds=61)
    world.settle()
    assert world.executor.orders["m[1]"].try_number == 2
    finish_all(world)
    assert world.run().state == "success"


def test_a_restart_in_the_middle_goes_on_where_it_was(world: World) -> None:
    chain(world, 6)
    assert len(world.executor.orders) == 4  # as many as the executor takes
    world.executor.end("m[0]")
    world.executor.end("m[3]", Failed("no", retry="never"))
    world.settle()
    world.crash(session="session-2")  # the agent died too: what ran is lost
    world.settle()
    finish_all(world)
    assert states(world)["m[0]"] == "success"
    assert states(world)["m[3]"] == "failed"
    assert states(world)["last"] == "upstream_failed"
    assert world.run().state == "failed"


def test_a_list_of_another_length_after_a_clear_removes_and_adds(world: World) -> None:
    chain(world, 3)
    finish_all(world)
    for length, removed in ((1, {"m[1]", "m[2]"}), (5, set())):
        world.send(ClearTasks(dag_id="d", run_id="r"))
        world.crash()  # the lengths are read back, too
        world.executor.end("gen", xcoms=returned(length))
        world.settle()
        finish_all(world)
        assert world.run().state == "success"
        assert {label for label, state in states(world).items() if state == "removed"} == removed
    assert len(states(world)) == 7


def test_a_group_goes_on_instance_by_instance_after_a_restart(world: World) -> None:
    world.executor._capacity = 1
    world.add_dag(
        TaskSpec(task_id="g.a", downstream=("g.b",), group_id="g", priority_weight=2),
        TaskSpec(task_id="g.b", group_id="g", priority_weight=9),
        groups=(GroupSpec(group_id="g", mapped=LengthSpec(kind="known", length=3)),),
    )
    world.start()
    world.trigger()
    world.executor.end("g.a[0]")
    world.settle()
    assert list(world.executor.orders) == ["g.b[0]"]
    world.crash(held=(world.executor.orders["g.b[0]"].attempt_id,))
    assert states(world)["g.b[1]"] is None


def test_two_thousand_instances(world: World) -> None:
    world.executor._capacity = 100
    world.add_dag(
        TaskSpec(task_id="gen", downstream=("m",)),
        TaskSpec(task_id="m", downstream=("last",), mapped=OF_GEN),
        TaskSpec(task_id="last"),
        max_active_tasks=1000,
    )
    world.start()
    world.trigger()
    begun = time.process_time()
    world.executor.end("gen", xcoms=returned(2000))
    world.settle()
    finish_all(world)
    assert world.run().state == "success"
    assert len(states(world)) == 2002
    assert (
        time.process_time() - begun < 30
    )  # about two seconds; many minutes, were each end to cost what all do


def test_each_instance_calls_its_own_callbacks(world: World) -> None:
    chain(world, 3, callbacks=("on_failure_callback", "on_success_callback"))
    for label, outcome in (("m[0]", None), ("m[2]", Failed("no"))):
        world.executor.begin(label)
        world.executor.end(label, outcome)
    world.settle()
    orders = [it for it in world.executor.submitted if it.kind == "callback"]
    one = world.executor.orders["m[1]"]
    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    world.executor.orders["m[1]"] = one
    world.executor.end("m[1]")
    world.settle()

    found = {it.request.map_index: it.request.event for it in CallbackRepository(world.store).find("d")}
    assert found == {0: "on_success_callback", 1: "on_success_callback", 2: "on_failure_callback"}
    orders += [it for it in world.executor.submitted if it.kind == "callback"]
    assert {(it.task_id, it.map_index) for it in orders} == {("m", 0), ("m", 1), ("m", 2)}


def test_each_instance_asks_its_own_question_and_gets_its_own_answer(world: World) -> None:
    question = {"subject": "Ship it?", "options": ["yes", "no"]}
    chain(world, 3)
    for n in range(3):
        world.executor.begin(f"m[{n}]")
        world.executor.end(f"m[{n}]", AwaitsInput(question, timeout=60))
    world.settle()
    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    asked = RespondInput(dag_id="d", run_id="r", task_id="m[1]", options=("no",))
    several = world.send(RespondInput(dag_id="d", run_id="r", task_id="m", options=("no",)))
    assert "name one of them, such as 'm[0]'" in (several.refused_reason or "")
    assert world.send(asked).refused_reason is None

    assert states(world) == {
        "gen": "success",
        "m[0]": "deferred",
        "m[1]": "queued",
        "m[2]": "deferred",
        "last": None,
    }
    resume = world.executor.orders["m[1]"].resume
    assert resume is not None
    assert '"no"' in resume["event"]
    assert "waits for no answer" in (world.send(asked).refused_reason or "")
    world.clock.pass_by(seconds=61)
    world.settle()
    assert sorted(world.executor.orders) == ["m[0]", "m[1]", "m[2]"]
