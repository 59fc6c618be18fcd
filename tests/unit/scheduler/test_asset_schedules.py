"""Updates of assets and the runs that follow from them, read back from the database."""

from __future__ import annotations

from datetime import UTC, datetime

from world import World

from tradewind.model.assets import AssetCondition, AssetSpec, OutletEvent
from tradewind.model.commands import CreateAssetEvent, DagChanged, DeleteDag
from tradewind.model.outcomes import Failed, Succeeded
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import RunState, RunType
from tradewind.store.assets import AssetRepository
from tradewind.store.facts import FactRepository


def asset(name: str) -> AssetSpec:
    return AssetSpec(name=name, uri=f"s3://{name}")


def alias(name: str) -> AssetSpec:
    return AssetSpec(kind="alias", name=name)


def wait_for(op: str, *specs: AssetSpec) -> AssetCondition:
    return AssetCondition(op=op, members=tuple(AssetCondition(asset=it) for it in specs))  # type: ignore[arg-type]


def add_producer(world: World, dag_id: str, *outlets: AssetSpec) -> None:
    world.add_dag(TaskSpec(task_id=f"make_{dag_id}", outlets=outlets), dag_id=dag_id)


def produce(world: World, dag_id: str, *said: OutletEvent, run_id: str = "r") -> None:
    """Run the producer to its end."""
    from tradewind.model.commands import TriggerRun

    assert world.send(TriggerRun(dag_id=dag_id, run_id=run_id)).refused_reason is None
    world.executor.end(f"make_{dag_id}", Succeeded(said))
    world.settle()


def runs(world: World, dag_id: str = "consumer") -> list[str]:
    return [row.info.run_id for row in world.runs.find(dag_id, newest_first=False)]


def events_of(world: World, run_id: str, dag_id: str = "consumer") -> list[str]:
    found = AssetRepository(world.store).events_of_run(world.runs.get(dag_id, run_id).pk)
    return [it.event.name for it in found]


def pending(world: World, dag_id: str = "consumer") -> list[str]:
    return [it.name for it in AssetRepository(world.store).pending().get(dag_id, [])]


def test_a_dag_runs_when_its_asset_is_updated(world: World) -> None:
    add_producer(world, "p", asset("a"))
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a")))
    world.start()
    produce(world, "p", OutletEvent(name="a", uri="s3://a", extra={"rows": 3}))

    (run_id,) = runs(world)
    row = world.runs.get("consumer", run_id)
    assert run_id.startswith("asset_triggered__2024-01-10T12:00:00+00:00_")
    assert row.info.run_type is RunType.ASSET_TRIGGERED
    assert row.info.logical_date is None
    assert row.info.data_interval is None
    assert row.state is RunState.RUNNING
    (found,) = AssetRepository(world.store).events_of_run(row.pk)
    assert found.event.extra == {"rows": 3}
    assert (found.event.dag_id, found.event.run_id, found.event.task_id) == ("p", "r", "make_p")
    assert found.source_run is not None
    assert found.source_run["run_id"] == "r"
    assert pending(world) == []
    assert FactRepository(world.store).waiting() == []


def test_all_assets_are_waited_for_and_several_updates_of_one_make_one_run(world: World) -> None:
    for name in "ab":
        add_producer(world, name, asset(name))
    world.add_dag(
        TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a"), asset("b"))
    )
    world.start()
    produce(world, "a", run_id="r1")
    produce(world, "a", run_id="r2")
    assert runs(world) == []
    assert pending(world) == ["a", "a"]

    world.crash()
    produce(world, "b")
    (run_id,) = runs(world)
    assert events_of(world, run_id) == ["a", "a", "b"]
    assert pending(world) == []

    produce(world, "b", run_id="r2")
    assert len(runs(world)) == 1, "what made a run is used up"


def test_any_asset_is_enough(world: World) -> None:
    for name in "ab":
        add_producer(world, name, asset(name))
    world.add_dag(
        TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("any", asset("a"), asset("b"))
    )
    world.start()
    produce(world, "a")
    produce(world, "b")

    assert [events_of(world, it) for it in runs(world)] == [["a"], ["b"]]


def test_a_task_that_fails_updates_nothing(world: World) -> None:
    add_producer(world, "p", asset("a"))
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a")))
    world.start()
    world.trigger("p")
    world.executor.end("make_p", Failed("no"))
    world.settle()

    assert AssetRepository(world.store).events() == []
    assert runs(world) == []


def test_a_dag_that_is_switched_off_does_not_listen_and_keeps_what_it_had(world: World) -> None:
    for name in "ab":
        add_producer(world, name, asset(name))
    world.add_dag(
        TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a"), asset("b"))
    )
    world.start()
    produce(world, "a")
    world.switch(paused=True, dag_id="consumer")
    produce(world, "b")
    world.switch(paused=False, dag_id="consumer")
    assert runs(world) == []
    assert pending(world) == ["a"]

    produce(world, "b", run_id="r2")
    assert len(runs(world)) == 1


def test_a_new_condition_is_held_against_what_is_there(world: World) -> None:
    add_producer(world, "a", asset("a"))
    world.add_dag(
        TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a"), asset("b"))
    )
    world.start()
    produce(world, "a")
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a")))
    world.send(DagChanged(dag_id="consumer"))

    assert [events_of(world, it) for it in runs(world)] == [["a"]]


def test_an_alias_stands_for_its_assets_from_then_on(world: World) -> None:
    add_producer(world, "p", alias("reports"))
    add_producer(world, "q", asset("x"))
    by_alias = wait_for("all", alias("reports"))
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=by_alias)
    world.add_dag(TaskSpec(task_id="use"), dag_id="by_asset", asset_schedule=wait_for("all", asset("x")))
    world.start()
    produce(world, "q", run_id="r0")
    assert runs(world) == []

    produce(world, "p", OutletEvent(name="x", uri="s3://x", alias="reports", extra={"n": 1}))
    assert len(runs(world)) == 1
    assert len(runs(world, "by_asset")) == 2

    world.crash()
    produce(world, "q")
    assert len(runs(world)) == 2, "the asset is known under the alias now"
    (found, *_) = AssetRepository(world.store).events(alias="reports")
    assert (found.event.name, found.event.extra, found.event.aliases) == ("x", {"n": 1}, ("reports",))


def test_an_alias_that_is_no_outlet_of_the_task_updates_nothing(world: World) -> None:
    add_producer(world, "p", alias("reports"))
    world.start()
    produce(world, "p", OutletEvent(name="x", uri="s3://x", alias="secrets"))

    assert AssetRepository(world.store).events() == []


def test_one_asset_by_way_of_two_aliases_is_one_event(world: World) -> None:
    add_producer(world, "p", alias("one"), alias("two"))
    world.start()
    said = [OutletEvent(name="x", uri="s3://x", alias=it) for it in ("one", "two")]
    produce(world, "p", *said)

    (found,) = AssetRepository(world.store).events()
    assert found.event.aliases == ("one", "two")


def test_somebody_says_that_an_asset_was_updated(world: World) -> None:
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a")))
    world.start()
    row = world.send(CreateAssetEvent(name="a", uri="s3://a", extra={"by": "hand"}))

    assert row.result is not None
    assert row.result["dag_ids"] == ["consumer"]
    (found,) = AssetRepository(world.store).events()
    assert (found.event.id, found.event.actor, found.source_run) == (row.result["event_id"], "ann", None)
    assert len(runs(world)) == 1


def test_a_dag_by_assets_and_time_runs_by_both(world: World) -> None:
    hourly = TimetableSpec(type="delta_data_interval", args={"seconds": 3600.0})
    world.add_dag(
        TaskSpec(task_id="use"),
        dag_id="consumer",
        asset_schedule=wait_for("all", asset("a")),
        timetable=hourly,
        start_date=datetime(2024, 1, 10, 12, tzinfo=UTC),
    )
    world.start()
    world.send(CreateAssetEvent(name="a", uri="s3://a"))
    world.clock.pass_by(hours=1)
    world.settle()

    assert [it.split("__")[0] for it in runs(world)] == ["asset_triggered", "scheduled"]


def test_a_dag_that_is_deleted_forgets_its_updates(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=wait_for("all", asset("a"), asset("b"))
    )
    world.start()
    world.send(CreateAssetEvent(name="a", uri="s3://a"))
    assert pending(world) == ["a"]
    from tradewind.store.imports import ImportRepository

    ImportRepository(world.store).forget("/dags", ["consumer.py"])
    world.send(DagChanged(dag_id="consumer"))
    assert world.send(DeleteDag(dag_id="consumer")).refused_reason is None
    assert pending(world) == []


def test_a_dag_that_updates_what_it_waits_for_does_not_stop_the_scheduler(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="use", outlets=(asset("a"),)),
        dag_id="consumer",
        asset_schedule=wait_for("all", asset("a")),
    )
    world.start()
    world.send(CreateAssetEvent(name="a", uri="s3://a"))
    for expected in (2, 3):
        world.executor.end("use")
        world.settle()
        assert len(runs(world)) == expected
