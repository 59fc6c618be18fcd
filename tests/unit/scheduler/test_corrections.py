"""Clear, mark, notes and versions over a real database: what people correct while a run moves on."""

from __future__ import annotations

from world import World

from tradewind.model.commands import ClearTasks, DeleteRun, MarkRun, MarkTasks, SetNote
from tradewind.model.facts import WaitEnded
from tradewind.model.outcomes import Deferred, Failed
from tradewind.model.spec import LengthSpec, TaskSpec
from tradewind.model.states import RunState, TaskState, TriggerRule
from tradewind.store.waits import WaitRepository

FAILED = Failed("ValueError: no", retry="never")
CHAIN = (
    TaskSpec(task_id="a", downstream=("b",)),
    TaskSpec(task_id="b", downstream=("c",)),
    TaskSpec(task_id="c"),
)


def begun(world: World, *tasks: TaskSpec) -> None:
    world.add_dag(*tasks)
    world.start()
    world.trigger()


def test_marking_a_failed_task_success_lets_the_run_go_on(world: World) -> None:
    begun(world, *CHAIN)
    world.executor.end("a", FAILED)
    world.settle()
    assert world.states() == {"a": "failed", "b": "upstream_failed", "c": "upstream_failed"}

    row = world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS))

    assert row.result == {"marked": ["a"], "left": {}, "cleared": ["b", "c"]}
    assert world.states() == {"a": "success", "b": "queued", "c": None}
    world.executor.end("b")
    world.settle()
    world.executor.end("c")
    world.settle()
    assert world.run().state is RunState.SUCCESS


def test_a_task_that_ended_before_it_was_marked_keeps_its_state(world: World) -> None:
    begun(world, *CHAIN)
    world.executor.begin("a")
    world.settle()
    seen = {"a": TaskState.RUNNING}
    world.executor.end("a")

    row = world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.FAILED, seen=seen))

    assert row.result == {"marked": [], "left": {"a": "success"}, "cleared": []}
    assert world.states()["a"] == "success"


def test_a_run_that_ended_before_it_was_marked_keeps_its_state_and_says_so(world: World) -> None:
    begun(world, TaskSpec(task_id="a"))
    world.executor.end("a")

    row = world.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED, seen=RunState.RUNNING))

    assert row.refused_reason is not None
    assert "was running when you looked, and has ended success since" in row.refused_reason
    assert world.run().state is RunState.SUCCESS
    assert world.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED)).refused_reason is None
    assert world.run().state is RunState.FAILED


def test_two_clears_at_once_end_nothing_twice(world: World) -> None:
    begun(world, *CHAIN)
    world.executor.end("a", FAILED)
    world.settle()
    command = ClearTasks(dag_id="d", run_id="r", task_ids=("a",), seen={"a": TaskState.FAILED})
    assert world.send(command).result == {"cleared": ["a"], "left": {}}
    world.executor.begin("a")
    world.settle()

    assert world.send(command).result == {"cleared": [], "left": {"a": "running"}}
    assert world.executor.cancelled == []


def test_a_run_cleared_in_the_very_turn_in_which_it_ends_goes_on(world: World) -> None:
    begun(world, TaskSpec(task_id="a"))
    for _ in range(20):  # more often than the DAG's runs may be active: none is counted twice
        world.executor.end("a")
        world.send(ClearTasks(dag_id="d", run_id="r"))
        assert world.states() == {"a": "queued"}
    world.executor.end("a")
    world.settle()
    assert world.run().state is RunState.SUCCESS
    assert world.instance("a").try_number == 21


def test_a_stopped_run_ends_failed_after_its_teardown_though_the_scheduler_dies(world: World) -> None:
    begun(
        world,
        TaskSpec(task_id="up", downstream=("work", "down"), is_setup=True),
        TaskSpec(task_id="work", downstream=("down",)),
        TaskSpec(task_id="down", is_teardown=True, trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS),
    )
    world.executor.end("up")
    world.settle()
    world.executor.begin("work")
    world.settle()

    assert world.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED)).result == {"state": "running"}
    assert world.states() == {"up": "success", "work": "failed", "down": "queued"}
    world.crash()
    world.executor.end("down")
    world.settle()

    assert world.states() == {"up": "success", "work": "failed", "down": "success"}
    assert (world.run().state, world.run().reason) == (RunState.FAILED, "marked failed by ann")


def test_notes_are_kept_on_runs_and_tasks(world: World) -> None:
    begun(world, *CHAIN)
    world.send(SetNote(dag_id="d", run_id="r", note="asked for by Bo"))
    world.send(SetNote(dag_id="d", run_id="r", task_id="b", note="slow today"))
    assert (world.run().info.note, world.instance("b").note) == ("asked for by Bo", "slow today")

    world.executor.end("a")
    world.settle()
    world.send(SetNote(dag_id="d", run_id="r", note=None))
    assert (world.run().info.note, world.instance("b").note) == (None, "slow today")
    refused = world.send(SetNote(dag_id="d", run_id="r", task_id="x", note="?"))
    assert refused.refused_reason is not None


NEXT = (
    TaskSpec(task_id="a", downstream=("b", "new")),
    TaskSpec(task_id="b"),
    TaskSpec(task_id="new", retries=2),
)


def test_an_ended_run_goes_again_on_the_newest_version(world: World) -> None:
    begun(world, *CHAIN)
    for name in ("a", "b"):
        world.executor.end(name)
        world.settle()
    world.executor.end("c", FAILED)
    world.settle()
    first = world.run().info.version_id
    world.add_dag(*NEXT)
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("b",)))
    world.executor.end("b")
    world.settle()
    assert world.run().info.version_id == first
    assert world.run().state is RunState.FAILED

    row = world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("b",), run_on_latest_version=True))

    assert row.result == {"cleared": ["b", "new"], "left": {}}
    assert world.run().info.version_id != first
    assert world.states() == {"a": "success", "b": "queued", "c": "removed", "new": "queued"}
    assert world.executor.orders["new"].version_id == world.run().info.version_id
    world.crash(held=())
    for name in ("b", "new"):
        world.executor.end(name)
    world.settle()
    assert world.run().state is RunState.SUCCESS


def test_a_run_that_goes_on_takes_the_newest_version_and_what_runs_of_it_ends_in_peace(world: World) -> None:
    begun(
        world,
        TaskSpec(task_id="gone"),
        TaskSpec(task_id="slow", downstream=("after",)),
        TaskSpec(task_id="broken"),
        TaskSpec(task_id="waits", retries=1, retry_delay=60.0),
        TaskSpec(task_id="after"),
    )
    for name in ("gone", "slow"):
        world.executor.begin(name)
    world.executor.end("broken", FAILED)
    world.executor.end("waits", Failed("not yet"))
    world.settle()
    world.add_dag(
        TaskSpec(task_id="first"),
        TaskSpec(task_id="broken"),
        TaskSpec(task_id="waits", retries=1, retry_delay=60.0),
        TaskSpec(task_id="slow", downstream=("after",)),
        TaskSpec(task_id="after"),
    )

    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("broken",), run_on_latest_version=True))

    assert [reason for _, reason in world.executor.cancelled if "is not in the version" in reason]
    assert world.states() == {
        "gone": "removed",
        "slow": "running",
        "broken": "queued",
        "waits": "up_for_retry",
        "after": None,
        "first": "queued",
    }
    world.clock.pass_by(seconds=61)
    world.settle()
    world.executor.end("slow")
    world.settle()
    for name in ("broken", "waits", "after", "first"):
        world.executor.end(name)
        world.settle()
    assert world.states() == {
        "gone": "removed",
        "slow": "success",
        "broken": "success",
        "waits": "success",
        "after": "success",
        "first": "success",
    }
    assert world.run().state is RunState.SUCCESS
    assert world.scheduler.memory.dags["d"].active == 0


def test_a_task_that_comes_back_is_looked_at_again(world: World) -> None:
    begun(world, *CHAIN)
    for name in ("a", "b", "c"):
        world.executor.end(name)
        world.settle()
    world.add_dag(*NEXT)
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("b",), run_on_latest_version=True))
    world.executor.end("b")
    world.executor.end("new")
    world.settle()
    world.add_dag(*CHAIN, description="again")

    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("b",), run_on_latest_version=True))

    assert world.states() == {"a": "success", "b": "queued", "c": None, "new": "removed"}


def test_a_clear_that_is_refused_leaves_the_version_alone(world: World) -> None:
    begun(world, *CHAIN)
    world.executor.end("a", FAILED)
    world.settle()
    first = world.run().info.version_id
    world.add_dag(*NEXT)

    row = world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("c",), run_on_latest_version=True))

    assert row.refused_reason is not None
    assert (world.run().info.version_id, world.states()["c"]) == (first, "upstream_failed")


def test_50000_tasks_are_cleared_at_once(world: World) -> None:
    begun(world, *(TaskSpec(task_id=f"t{n}", runs_code=False) for n in range(50_000)))
    assert world.run().state is RunState.SUCCESS

    row = world.send(ClearTasks(dag_id="d", run_id="r"))

    assert row.result is not None
    assert len(row.result["cleared"]) == 50_000
    assert world.run().state is RunState.SUCCESS
    assert world.instance("t49999").try_number == 2


def test_a_run_is_deleted_when_it_has_ended_and_not_before(world: World) -> None:
    begun(world, TaskSpec(task_id="a"))
    delete = DeleteRun(dag_id="d", run_id="r")
    assert "is running and is not deleted" in str(world.send(delete).refused_reason)
    world.executor.end("a")
    assert "has ended this very moment" in str(world.send(delete).refused_reason)

    assert world.send(delete).refused_reason is None
    assert world.runs.find("d") == []
    assert world.send(delete).refused_reason is not None
    world.trigger()
    world.executor.end("a")
    world.settle()
    assert world.run().state is RunState.SUCCESS


def test_mapped_tasks_keep_their_instances_in_another_version_and_lose_them_when_mapped_no_more(
    world: World,
) -> None:
    two = LengthSpec(kind="known", length=2)
    begun(
        world,
        TaskSpec(task_id="m", mapped=two, downstream=("end",)),
        TaskSpec(task_id="n", mapped=two),
        TaskSpec(task_id="plain"),
        TaskSpec(task_id="end"),
    )

    def labels() -> dict[str, str | None]:
        return {it.label: it.state for it in world.runs.task_instances(world.run().pk)}

    for order in list(world.executor.submitted):
        world.executor.orders[order.task_id] = order
        world.executor.end(order.task_id, FAILED if (order.task_id, order.map_index) == ("m", 1) else None)
    world.settle()
    assert labels()["m[1]"] == "failed"
    world.add_dag(
        TaskSpec(task_id="end"),
        TaskSpec(task_id="n"),
        TaskSpec(task_id="plain", mapped=LengthSpec(kind="known", length=3)),
        TaskSpec(task_id="m", mapped=two, downstream=("end",)),
    )

    command = ClearTasks(
        dag_id="d", run_id="r", task_ids=("m[1]", "end", "plain"), run_on_latest_version=True
    )
    assert world.send(command).refused_reason is None

    assert labels() == {
        "m[0]": "success",
        "m[1]": "queued",
        "n[0]": "removed",
        "n[1]": "removed",
        "n": "queued",
        "plain[0]": "queued",
        "plain[1]": "queued",
        "plain[2]": "scheduled",
        "end": None,
    }


def test_marking_one_instance_leaves_the_others_of_its_task_as_they_are(world: World) -> None:
    two = LengthSpec(kind="known", length=2)
    begun(world, TaskSpec(task_id="m", mapped=two, downstream=("end",)), TaskSpec(task_id="end"))
    for order in list(world.executor.submitted):
        world.executor.orders["m"] = order
        world.executor.end("m", FAILED)
    world.settle()

    row = world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("m[0]",), state=TaskState.SUCCESS))

    assert row.result == {"marked": ["m[0]"], "left": {}, "cleared": ["end"]}
    states = {it.label: it.state for it in world.runs.task_instances(world.run().pk)}
    assert states == {"m[0]": "success", "m[1]": "failed", "end": "upstream_failed"}


def test_what_waits_without_a_slot_goes_on_in_the_version_that_its_run_takes(world: World) -> None:
    begun(world, TaskSpec(task_id="first"), TaskSpec(task_id="broken"), TaskSpec(task_id="w"))
    world.executor.begin("w")
    world.settle()
    wait = world.executor.end("w", Deferred("m.T", "{}", "go_on", "{}"))
    world.executor.end("first", Deferred("m.T", "{}", "go_on", "{}"))
    world.executor.end("broken", FAILED)
    world.settle()
    world.add_dag(
        TaskSpec(task_id="w", downstream=("new",)), TaskSpec(task_id="broken"), TaskSpec(task_id="new")
    )
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("broken",), run_on_latest_version=True))
    assert world.states()["w"] == "deferred"
    assert [it.attempt_id for it in WaitRepository(world.store).all().values()] == [wait.attempt_id]

    event = WaitEnded(attempt_id=wait.attempt_id, at=world.clock.now(), event='"now"', error=None)
    world.scheduler.take_fact(event, "t", None)
    world.settle()

    assert world.executor.orders["w"].resume["event"] == '"now"'  # type: ignore[index]
    for name in ("w", "broken"):
        world.executor.end(name)
    world.settle()
    world.executor.end("new")
    world.settle()
    assert world.run().state is RunState.SUCCESS
    assert WaitRepository(world.store).all() == {}


def test_a_waiting_time_of_a_task_that_is_gone_comes_to_nothing(world: World) -> None:
    begun(world, TaskSpec(task_id="a"), TaskSpec(task_id="gone", retries=1, retry_delay=60.0))
    world.executor.end("gone", Failed("not yet"))
    world.executor.end("a", FAILED)
    world.settle()
    world.add_dag(TaskSpec(task_id="a"))
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("a",), run_on_latest_version=True))
    world.clock.pass_by(seconds=61)
    world.settle()
    world.executor.end("a")
    world.settle()
    assert (world.run().state, world.states()["gone"]) == (RunState.SUCCESS, "removed")


def test_a_task_that_waits_for_fewer_others_in_the_new_version_starts(world: World) -> None:
    begun(world, TaskSpec(task_id="a", downstream=("b",)), TaskSpec(task_id="b"), TaskSpec(task_id="c"))
    world.executor.end("c")
    world.settle()
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"), TaskSpec(task_id="c"))
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("c",), run_on_latest_version=True))
    assert world.states() == {"a": "queued", "b": "queued", "c": "queued"}
