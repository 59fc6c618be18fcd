"""Watchers of assets: which are to watch, and that each of their events counts once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from world import World

from tradewind.model.assets import AssetCondition, AssetSpec, Watched, WatcherSpec
from tradewind.model.facts import WatcherFired
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.watchers import Watchers
from tradewind.store.assets import AssetRepository
from tradewind.timetables import resolve


def condition(*watchers: WatcherSpec) -> AssetCondition:
    return AssetCondition(
        op="all",
        members=(AssetCondition(asset=AssetSpec(name="a", uri="s3://a", watchers=watchers)),),
    )


def live(dag_id: str, *watchers: WatcherSpec, version: str = "v1") -> LiveDag:
    spec = DagSpec(dag_id=dag_id, tasks=(), file="d.py", asset_schedule=condition(*watchers))
    return LiveDag(dag_id, version, spec, resolve(None), paused=False, is_stale=False)


ARRIVALS = WatcherSpec(name="arrivals", trigger="mine.Arrivals", kwargs={"folder": "/in"})


def test_a_watcher_that_several_dags_name_watches_once_and_for_whoever_is_left() -> None:
    watchers = Watchers()
    one, two = live("one", ARRIVALS), live("two", ARRIVALS, version="v2")
    assert watchers.look_at(two)
    assert watchers.look_at(one)
    assert not watchers.look_at(one), "nothing has changed"
    (it,) = watchers.all.values()
    assert (it.version_id, it.classpath, it.kwargs) == ("v1", "mine.Arrivals", '{"folder":"/in"}')
    assert it.watched == Watched(name="a", uri="s3://a", watcher="arrivals")

    one.paused = True
    assert watchers.look_at(one)
    assert [it.version_id for it in watchers.all.values()] == ["v2"]
    two.is_stale = True
    assert watchers.look_at(two)
    assert not watchers.all


@pytest.mark.parametrize("change", ["version", "kwargs"])
def test_what_has_changed_is_another_watch(change: str) -> None:
    watchers = Watchers()
    watchers.look_at(live("one", ARRIVALS))
    before = set(watchers.all)
    other = WatcherSpec(
        name="arrivals", trigger="mine.Arrivals", kwargs={"folder": "/in2" if change == "kwargs" else "/in"}
    )

    assert watchers.look_at(live("one", other, version="v2"))

    assert len(watchers.all) == 1
    assert not before & set(watchers.all)


def fired(event_id: str) -> WatcherFired:
    return WatcherFired(
        attempt_id="watch",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        event_id=event_id,
        watched=Watched(name="a", uri="s3://a", watcher="arrivals"),
        payload='{"file": "x"}',
    )


def test_an_event_that_is_told_again_counts_once(world: World) -> None:
    world.add_dag(TaskSpec(task_id="use"), dag_id="consumer", asset_schedule=condition(ARRIVALS))
    world.start()
    acknowledged: list[str] = []
    for event_id in ("e1", "e1"):
        world.scheduler.take_fact(fired(event_id), "s", lambda: acknowledged.append("yes"))
    world.settle()
    world.crash()
    for event_id in ("e1", "e2"):
        world.scheduler.take_fact(fired(event_id), "s", lambda: acknowledged.append("yes"))
    world.settle()

    events = AssetRepository(world.store).events(name="a")

    assert [it.event.id for it in events] == ["e2", "e1"]
    assert [it.event.extra for it in events] == [{"from_trigger": True, "payload": {"file": "x"}}] * 2
    assert {it.event.actor for it in events} == {"watcher arrivals"}
    assert len(world.runs.find("consumer")) == 2
    assert len(acknowledged) == 4
