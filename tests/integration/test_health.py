"""``tradewind health`` beside an installation that runs, and beside one that was killed."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from house import House, processes_of

pytestmark = pytest.mark.integration


def health(house: House) -> tuple[int, dict[str, dict[str, Any]]]:
    ended = house.tradewind("health", "--output", "json")
    return ended.returncode, {it["component"]: it for it in json.loads(ended.stdout)}


def test_it_tells_who_is_there_and_who_is_not(house: House) -> None:
    code, parts = health(house)
    assert code == 1
    assert list(parts) == ["database"]
    assert "start `tradewind up`" in parts["database"]["note"]
    assert not (house.home / "tradewind.db").exists(), "to look makes nothing"

    up = house.up()
    house.until(lambda: health(house)[0] == 0)
    _, parts = health(house)
    assert {name: it["status"] for name, it in parts.items()} == {
        "database": "healthy",
        "scheduler": "healthy",
        "executor local": "healthy",
        "importer": "healthy",
        "triggerer": "not needed",
    }
    pids = processes_of(up.pid)
    for name in ("scheduler", "importer", "executor local"):
        assert parts[name]["pid"] in pids
        assert parts[name]["last_heartbeat"]
    assert parts["executor local"]["capacity"] >= 1

    for pid in (up.pid, *(parts[name]["pid"] for name in ("scheduler", "importer", "executor local"))):
        os.kill(pid, signal.SIGKILL)
    up.wait()
    code, parts = health(house)
    assert code == 1
    assert parts["scheduler"]["status"] == "unhealthy"
    assert parts["importer"]["note"] == "its process is gone"
    assert parts["executor local"]["note"] == "its process is gone"

    house.up()
    house.until(lambda: health(house)[0] == 0)
    first = health(house)[1]["scheduler"]["last_heartbeat"]
    house.until(lambda: health(house)[1]["scheduler"]["last_heartbeat"] > first)
