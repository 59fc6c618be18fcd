"""Pools, and the processes that are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tradewind.errors import InvalidId, NotFound, Refused
from tradewind.ports.executor import Session
from tradewind.store.engine import Store
from tradewind.store.health import HealthRepository
from tradewind.store.pools import PoolRepository

from .samples import DAY

NewRun = Callable[..., tuple[int, list[int]]]


def test_pools_are_made_changed_and_deleted(store: Store) -> None:
    pools = PoolRepository(store)
    pools.set("db", 4, "the database")
    pools.set("db", 2)
    assert (pools.get("db").slots, pools.get("db").description) == (2, "the database")
    assert [pool.name for pool in pools.all()] == ["db", "default_pool"]
    pools.delete("db")
    with pytest.raises(NotFound, match=r"no pool 'default_pol'. Did you mean 'default_pool'"):
        pools.get("default_pol")
    with pytest.raises(NotFound):
        pools.delete("db")
    with pytest.raises(Refused, match="cannot be deleted"):
        pools.delete("default_pool")
    with pytest.raises(InvalidId):
        pools.set("a/b", 1)
    with pytest.raises(Refused, match="-5 slots"):
        pools.set("db", -5)


def test_schedulers_and_workers_come_live_and_go(store: Store) -> None:
    health = HealthRepository(store)
    for number in (1, 2):
        epoch = health.register_scheduler(
            id=f"s{number}", host="h", pid=number, started_at=DAY + timedelta(days=number)
        )
        assert epoch == number
    health.beat_scheduler("s2", DAY)
    health.end_scheduler("s1", DAY)
    (alive,) = health.schedulers()
    assert (alive.id, alive.beat, alive.epoch) == ("s2", 1, 2)
    assert [one.id for one in health.schedulers(ended=True)] == ["s2", "s1"]

    for _ in range(2):
        health.beat_worker(Session("w", "local", "h", 5, 2), DAY + timedelta(seconds=5))
    (worker,) = health.workers()
    assert (worker.beat, worker.capacity, worker.beat_at) == (2, 2, DAY + timedelta(seconds=5))
    health.end_worker("w", DAY)
    assert health.workers() == []


def test_whoever_is_not_connected_to_the_scheduler_any_more_has_ended(store: Store) -> None:
    health = HealthRepository(store)
    for name in ("old", "new"):
        health.register_scheduler(id=name, host="h", pid=1, started_at=DAY)
    health.beat_worker(Session("i1", "importer", "h", 7), DAY)
    agent, triggerer = Session("a1", "local", "h", 5, 2), Session("t1", "triggerer", "h", 6)
    health.bury("new")
    health.beat_scheduler("new", DAY, [agent, triggerer])
    assert {row.id for row in health.schedulers()} == {"new"}
    assert {row.id for row in health.workers()} == {"i1", "a1", "t1"}

    health.beat_scheduler("new", DAY + timedelta(seconds=5), [Session("a2", "local", "h", 8, 2)])
    health.beat_worker(Session("i2", "importer", "h", 9), DAY + timedelta(seconds=5))
    assert {row.id for row in health.workers()} == {"i2", "a2"}
    health.beat_scheduler("new", DAY + timedelta(seconds=10), [agent])
    assert {row.id for row in health.workers()} == {"i2", "a1"}, "one that comes back is there"
