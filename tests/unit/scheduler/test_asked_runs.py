"""Tasks that ask for a run of another DAG: made once, waited for without a slot, and answered, whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from world import World

from tradewind.model.assets import AssetSpec
from tradewind.model.commands import ClearTasks, MarkRun, PoolChanged, TriggerRun
from tradewind.model.outcomes import Failed, Rescheduled, Succeeded, TriggersRun
from tradewind.model.spec import LengthSpec, TaskSpec
from tradewind.model.states import RunState
from tradewind.store.assets import AssetRepository
from tradewind.store.callbacks import CallbackRepository
from tradewind.store.facts import FactRepository
from tradewind.store.pools import PoolRepository
from tradewind.store.waits import WaitRepository


def prepare(world: World, *, paused: bool = False, **fields: Any) -> None:
    world.add_dag(TaskSpec(task_id="ask", downstream=("after",), **fields), TaskSpec(task_id="after"))
    world.add_dag(TaskSpec(task_id="work"), dag_id="other", paused=paused)
    world.start()
    world.trigger()


def ask(world: World, *, wait: bool = False, dag_id: str = "other", **payload: Any) -> None:
    world.executor.begin("ask")
    world.executor.end("ask", TriggersRun(dag_id, {"run_id": "asked", **payload}, wait=wait))
    world.settle()


def test_the_run_is_made_and_the_task_goes_on(world: World) -> None:
    prepare(world)
    ask(world, conf={"n": 1}, note="from d", logical_date="2024-01-02T00:00:00+00:00")

    made = world.run("asked", "other")
    assert (made.info.conf, made.info.note) == ({"n": 1}, "from d")
    assert made.info.logical_date is not None
    assert made.info.logical_date.day == 2
    assert made.state is RunState.RUNNING
    assert world.states() == {"ask": "success", "after": "queued"}
    assert FactRepository(world.store).waiting() == []


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_task_that_waits_ends_as_the_run_does_after_a_crash_too(world: World, state: str) -> None:
    prepare(world)
    ask(world, wait=True)
    assert world.states() == {"ask": "deferred", "after": None}
    assert "waits for run 'asked' of DAG 'other'" in world.instance("ask").reason

    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    world.send(MarkRun(dag_id="other", run_id="asked", state=RunState(state)))

    assert world.instance("ask").state == state
    assert AssetRepository(world.store).run_watches() == []
    assert FactRepository(world.store).waiting() == []


def test_it_takes_no_slot_while_it_waits(world: World) -> None:
    world.executor._capacity = 1
    prepare(world)
    ask(world, wait=True)
    assert list(world.executor.orders) == ["work"]

    world.executor.end("work")
    world.settle()
    assert world.states() == {"ask": "success", "after": "queued"}


def test_a_failed_run_uses_up_a_try(world: World) -> None:
    prepare(world, retries=1, retry_delay=0.0)
    ask(world, wait=True)
    world.executor.end("work", Failed("no"))
    world.settle()

    assert world.executor.orders["ask"].try_number == 2
    assert "run 'asked' of DAG 'other' ended as failed" in str(
        [it.reason for it in world.attempts.story(world.run().pk)]
    )


@pytest.mark.parametrize(
    ("allowed", "failed", "end", "expected"),
    [
        (["failed"], [], Failed("no"), "success"),
        (["success", "failed"], [], None, "success"),
        (["failed"], [], None, "failed"),
        (["success"], ["success"], None, "failed"),
    ],
)
def test_which_ends_are_good_is_for_the_task_to_say(
    world: World, allowed: list[str], failed: list[str], end: Any, expected: str
) -> None:
    prepare(world)
    ask(world, wait=True, allowed_states=allowed, failed_states=failed)
    world.executor.end("work", end)
    world.settle()

    assert world.instance("ask").state == expected


def test_a_task_content_with_a_run_that_has_begun_does_not_wait_for_its_end(world: World) -> None:
    prepare(world)
    ask(world, wait=True, allowed_states=["running", "success"])

    assert world.instance("ask").state == "success"
    assert world.run("asked", "other").state is RunState.RUNNING


def test_a_run_that_is_there_is_an_error_a_skip_or_cleared(world: World) -> None:
    prepare(world)
    world.send(TriggerRun(dag_id="other", run_id="asked"))
    world.executor.end("work")
    world.settle()
    ask(world)
    assert world.instance("ask").state == "failed"
    assert "reset_dag_run" in world.instance("ask").reason

    world.send(ClearTasks(dag_id="d", run_id="r"))
    ask(world, skip_existing=True)
    assert world.instance("ask").state == "skipped"

    world.send(ClearTasks(dag_id="d", run_id="r"))
    ask(world, reset=True, wait=True)
    assert world.instance("ask").state == "deferred"
    assert world.run("asked", "other").state is RunState.RUNNING
    world.executor.end("work")
    world.settle()
    assert world.instance("ask").state == "success"
    assert world.runs.count("other") == 1


def test_what_cannot_be_is_told_to_the_task(world: World) -> None:
    prepare(world, paused=True)
    ask(world, dag_id="othr")
    assert "Did you mean 'other'" in world.instance("ask").reason

    world.send(ClearTasks(dag_id="d", run_id="r"))
    ask(world, fail_paused=True)
    assert "switched off" in world.instance("ask").reason

    world.send(ClearTasks(dag_id="d", run_id="r"))
    ask(world, run_id="no such id")
    assert "run id" in world.instance("ask").reason

    world.send(ClearTasks(dag_id="d", run_id="r"))
    ask(world, conf=["no", "dict"])
    assert "not understood" in world.instance("ask").reason
    assert world.runs.count("other") == 0


def test_an_answer_to_an_attempt_that_was_cleared_changes_nothing(world: World) -> None:
    prepare(world)
    ask(world, wait=True)
    first = world.executor.orders["work"]
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("ask",)))
    ask(world, wait=True, run_id="asked_2")
    second, world.executor.orders["work"] = world.executor.orders["work"], first
    world.executor.end("work", Failed("no"))
    world.settle()
    assert world.instance("ask").state == "deferred"

    world.executor.orders["work"] = second
    world.executor.end("work")
    world.settle()
    assert world.instance("ask").state == "success"


def test_its_execution_timeout_limits_the_wait_after_a_crash_too(world: World) -> None:
    prepare(world, execution_timeout=60.0)
    ask(world, wait=True)
    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    world.clock.pass_by(seconds=59)
    world.settle()
    assert world.instance("ask").state == "deferred"

    world.clock.pass_by(seconds=1)
    world.settle()
    assert world.instance("ask").state == "failed"
    assert "execution_timeout of 60 s is over: it waits for run 'asked'" in world.instance("ask").reason


def test_several_may_wait_for_one_run(world: World) -> None:
    prepare(world)
    ask(world, wait=True)
    world.send(TriggerRun(dag_id="d", run_id="r2"))
    world.executor.end("ask", TriggersRun("other", {"run_id": "asked", "reset": True}, wait=True))
    world.settle()
    for _ in range(2):  # it was cleared while it ran
        if "work" in world.executor.orders:
            world.executor.end("work")
            world.settle()

    assert [world.instance("ask", it).state for it in ("r", "r2")] == ["success", "success"]


def test_each_instance_of_a_mapped_task_gets_its_own_answer(world: World) -> None:
    three = LengthSpec(kind="known", length=3)
    world.add_dag(TaskSpec(task_id="ask", mapped=three, outlets=(AssetSpec(name="a", uri="a"),)))
    world.add_dag(TaskSpec(task_id="work"), dag_id="other")
    world.start()
    world.trigger()
    asked = {}
    for n in range(3):
        world.executor.begin(f"ask[{n}]")
        world.executor.end(f"ask[{n}]", TriggersRun("other", {"run_id": f"asked_{n}"}, wait=True))
        world.settle()
        asked[n] = world.executor.orders["work"]
    for n, outcome in ((1, Failed("no")), (2, None)):
        world.executor.orders["work"] = asked[n]
        world.executor.end("work", outcome)
        world.settle()

    found = {it.map_index: it.state for it in world.runs.task_instances(world.run().pk, "ask")}
    assert found == {0: "deferred", 1: "failed", 2: "success"}
    assert [it.event.map_index for it in AssetRepository(world.store).events()] == [2]


def test_a_task_that_waited_before_it_asked_forgets_what_it_waited_for(world: World) -> None:
    prepare(world)
    world.executor.begin("ask")
    until = world.clock.now() + timedelta(seconds=10)
    world.executor.end("ask", Rescheduled(until))
    world.settle()
    world.clock.pass_by(seconds=11)
    world.settle()
    ask(world, wait=True)
    assert world.instance("ask").state == "deferred"
    assert WaitRepository(world.store).all() == {}

    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    world.send(MarkRun(dag_id="other", run_id="asked", state=RunState.SUCCESS))
    assert world.instance("ask").state == "success"


def test_a_pool_that_counts_deferred_tasks_counts_those_that_asked(world: World) -> None:
    PoolRepository(world.store).set("db", 1, include_deferred=True)
    prepare(world, pool="db")
    ask(world, wait=True)
    world.send(TriggerRun(dag_id="d", run_id="r2"))
    assert world.instance("ask", "r2").state == "scheduled"

    world.executor.end("work")
    world.settle()
    assert world.instance("ask", "r2").state == "queued"


def test_a_pool_that_counts_deferred_tasks_from_now_on_counts_those_that_asked_before(world: World) -> None:
    pools = PoolRepository(world.store)
    pools.set("db", 1)
    prepare(world, pool="db")
    ask(world, wait=True)
    pools.set("db", 1, include_deferred=True)
    world.send(PoolChanged(name="db"))
    world.send(TriggerRun(dag_id="d", run_id="r2"))
    assert world.instance("ask", "r2").state == "scheduled"

    pools.set("db", 1, include_deferred=False)
    world.send(PoolChanged(name="db"))
    assert world.instance("ask", "r2").state == "queued"


@pytest.mark.parametrize(
    ("ends", "retries", "called"),
    [
        (Succeeded(), 0, ("on_success_callback", "success")),
        (Failed("no"), 0, ("on_failure_callback", "failed")),
        (Failed("no"), 1, ("on_retry_callback", "up_for_retry")),
        ("time", 0, ("on_failure_callback", "failed")),
    ],
)
def test_a_task_that_ends_with_the_answer_calls_its_callbacks_after_a_crash_too(
    world: World, ends: Any, retries: int, called: tuple[str, str]
) -> None:
    callbacks = ("on_failure_callback", "on_retry_callback", "on_success_callback")
    prepare(world, callbacks=callbacks, retries=retries, retry_delay=60.0, execution_timeout=3600.0)
    ask(world, wait=True)
    world.crash(held=tuple(it.id for it in world.attempts.open_attempts()))
    if ends == "time":
        world.clock.pass_by(seconds=3601)
    else:
        state = RunState.SUCCESS if isinstance(ends, Succeeded) else RunState.FAILED
        world.send(MarkRun(dag_id="other", run_id="asked", state=state))
    world.settle()

    rows = CallbackRepository(world.store).find("d")
    assert [(it.request.task_id, it.request.event, it.request.state) for it in rows] == [("ask", *called)]
    orders = [it for it in world.executor.submitted if it.kind == "callback"]
    assert [it.task_id for it in orders] == ["ask"]
