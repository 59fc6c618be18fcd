"""``tradewind assets``, held against a real database."""

from __future__ import annotations

from tradewind.model.assets import AssetCondition, AssetSpec
from tradewind.model.spec import TaskSpec

ORDERS = AssetSpec(name="orders", uri="s3://shop/orders", group="shop", extra={"owner": "ann"})
STOCK = AssetSpec(name="stock", uri="s3://shop/stock")


def fill(world) -> None:
    world.add_dag(TaskSpec(task_id="make", outlets=(ORDERS,)), dag_id="producer")
    both = AssetCondition(op="all", members=(AssetCondition(asset=ORDERS), AssetCondition(asset=STOCK)))
    world.add_dag(TaskSpec(task_id="use", inlets=(ORDERS,)), dag_id="consumer", asset_schedule=both)


def test_assets_are_listed_with_who_makes_and_who_waits_for_them(tradewind, world) -> None:
    fill(world)
    orders, stock = tradewind("assets", "list", "-o", "json").json
    assert (orders["name"], orders["uri"], orders["group"]) == ("orders", "s3://shop/orders", "shop")
    assert orders["producers"] == ["producer.make"]
    assert orders["readers"] == ["consumer.use"]
    assert orders["consumers"] == stock["consumers"] == ["consumer"]
    shown = tradewind("assets", "show", "s3://shop/orders", "-o", "json").json
    assert (shown["name"], shown["extra"], shown["last_event"]) == ("orders", {"owner": "ann"}, None)


def test_an_unknown_asset_is_told_with_the_closest_names(tradewind, world) -> None:
    fill(world)
    said = tradewind("assets", "trigger", "order")
    assert said.code == 3
    assert "Did you mean 'orders'?" in said.err


def test_updates_by_hand_are_kept_and_told_when_a_scheduler_runs(tradewind, world) -> None:
    fill(world)
    told = tradewind("assets", "trigger", "orders", "--extra", '{"rows": 3}', "-o", "json").json
    assert told["dag_ids"] == ["consumer"]
    (event,) = tradewind("assets", "events", "orders", "-o", "json").json
    assert (event["id"], event["extra"], event["source_dag_id"]) == (told["event_id"], {"rows": 3}, None)
    assert event["actor"]

    world.start()
    why = tradewind("dags", "why", "consumer").out
    assert "orders and stock" in why
    assert "an update of stock" in why
    tradewind("assets", "trigger", "stock")
    world.scheduler.ring()
    world.settle()
    assert [it.info.run_type for it in world.runs.find("consumer")] == ["asset_triggered"]


def test_materialize_runs_the_dag_that_makes_the_asset(tradewind, world) -> None:
    fill(world)
    made = tradewind("assets", "materialize", "orders", "--conf", '{"day": 1}', "-o", "json").json
    assert (made["dag_id"], made["state"]) == ("producer", "queued")
    said = tradewind("assets", "materialize", "stock")
    assert said.code == 1
    assert "no DAG makes it" in said.err
    world.add_dag(TaskSpec(task_id="make", outlets=(ORDERS,)), dag_id="other")
    assert "several DAGs make it: other, producer" in tradewind("assets", "materialize", "orders").err


def test_an_asset_that_no_dag_mentions_any_more_is_inactive(tradewind, world) -> None:
    fill(world)
    tradewind("assets", "trigger", "orders")
    world.add_dag(TaskSpec(task_id="make"), dag_id="producer")
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer")
    assert tradewind("assets", "list", "-o", "json").json == []
    (orders,) = tradewind("assets", "list", "--all", "-o", "json").json
    assert (orders["name"], orders["active"]) == ("orders", False)
    assert "not active" in tradewind("assets", "trigger", "orders").err


def test_a_dag_that_waits_for_assets_says_so_in_the_list(tradewind, world) -> None:
    fill(world)
    consumer, producer = tradewind("dags", "list", "-o", "json").json
    assert (consumer["timetable_summary"], producer["timetable_summary"]) == ("Asset", "none")
