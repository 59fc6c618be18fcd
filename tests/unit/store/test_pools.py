"""Pools, and the processes that are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tradewind.errors import InvalidId, NotFound, Refused
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
        health.register_worker(session="w", kind="local", host="h", pid=5, capacity=2, started_at=DAY)
        health.beat_worker("w")
    (worker,) = health.workers()
    assert (worker.beat, worker.capacity) == (2, 2)
    health.end_worker("w", DAY)
    assert health.workers() == []
