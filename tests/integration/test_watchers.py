"""Watchers of assets in a whole installation: what arrives makes runs, whoever is killed."""

from __future__ import annotations

import os
import signal

import pytest
from house import House

from tradewind.app.up import listening
from tradewind.store.assets import AssetRepository

pytestmark = pytest.mark.integration

TRIGGERS = """
import asyncio, os
from tradewind import BaseTrigger, TriggerEvent

class Arrivals(BaseTrigger):
    def __init__(self, folder):
        super().__init__(folder=folder)
    def serialize(self):
        return "arrivals.Arrivals", {"folder": self.folder}
    async def run(self):
        while True:
            for name in sorted(os.listdir(self.folder)):
                if name.endswith(".new"):
                    os.rename(f"{self.folder}/{name}", f"{self.folder}/{name}.seen")
                    yield TriggerEvent({"file": name})
            await asyncio.sleep(0.02)
"""

DAG_FILE = """
from tradewind import DAG, Asset, AssetWatcher, task
from arrivals import Arrivals

orders = Asset("orders", watchers=[AssetWatcher("arrivals", trigger=Arrivals(FOLDER))])
with DAG("NAME", schedule=[orders], is_paused_upon_creation=False):
    @task
    def use(triggering_asset_events):
        return [event.extra["payload"]["file"] for events in triggering_asset_events.values() for event in events]
    use()
"""


def test_what_arrives_makes_a_run_once_whoever_is_killed(house: House) -> None:
    folder = house.home / "in"
    folder.mkdir()
    house.write("arrivals.py", TRIGGERS)
    for name in ("one", "two"):  # both name the same watcher
        house.write(f"{name}.py", DAG_FILE.replace("NAME", name).replace("FOLDER", repr(str(folder))))
    house.up(at_once=True)
    socket = house.system.settings.home.run / "triggerer.sock"
    assets = AssetRepository(house.system.store)

    def arrive(name: str) -> None:
        (folder / "tmp").touch()
        os.rename(folder / "tmp", folder / f"{name}.new")

    def told() -> list[str]:
        return sorted(it.event.extra["payload"]["file"] for it in assets.events(name="orders"))

    def runs(dag_id: str = "one") -> int:
        return len([row for row in house.system.runs.find(dag_id) if row.state == "success"])

    house.until(lambda: house.has_dag("one") and house.has_dag("two"))
    arrive("a")
    house.until(lambda: runs("one") == runs("two") == 1)
    arrive("b")
    house.until(lambda: told() == ["a.new", "b.new"])

    triggerer = listening(socket)
    assert triggerer is not None
    os.kill(triggerer, signal.SIGKILL)
    arrive("c")
    house.until(lambda: told() == ["a.new", "b.new", "c.new"])

    (row,) = house.system.health.schedulers()
    os.kill(row.pid, signal.SIGKILL)
    arrive("d")
    house.until(lambda: told() == ["a.new", "b.new", "c.new", "d.new"])
    house.until(lambda: runs("one") == runs("two") == 4)

    assert house.tradewind("dags", "pause", "one").returncode == 0  # with whose files it watched
    arrive("e")
    house.until(lambda: runs("two") == 5)
    assert runs("one") == 4
    assert told() == [f"{it}.new" for it in "abcde"]
