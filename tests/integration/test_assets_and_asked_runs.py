"""Assets and runs of other DAGs from end to end: real files, real processes, and kill -9 of the scheduler."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from house import House

from tradewind.model.commands import SetPaused, TriggerRun
from tradewind.model.states import RunState
from tradewind.scheduler.scheduler import POINTS
from tradewind.store.assets import AssetRepository
from tradewind.store.facts import FactRepository

pytestmark = pytest.mark.integration

PRODUCER = """
from tradewind import DAG, Asset, AssetAlias, Metadata, asset, task

ORDERS = Asset("orders", uri="s3://shop/orders.csv")
REPORTS = AssetAlias("reports")

with DAG("producer", schedule=None, is_paused_upon_creation=False):

    @task(outlets=[ORDERS])
    def orders(outlet_events):
        outlet_events[ORDERS].extra = {"rows": 3}

    @task(outlets=[REPORTS])
    def report():
        yield Metadata(Asset("report", uri="s3://shop/report.csv"), {"pages": 2}, alias=REPORTS)
        return "done"

    orders() >> report()

@asset(schedule=[ORDERS], is_paused_upon_creation=False)
def totals(self, context, orders):
    context["outlet_events"][self].extra = {"from": orders.uri}
"""

CONSUMER = """
import json
from tradewind import DAG, Asset, AssetAlias, BaseOperator, task

class Show(BaseOperator):
    template_fields = ("told",)

    def __init__(self, told, **arguments):
        super().__init__(**arguments)
        self.told = told

    def execute(self, context):
        return self.told

with DAG("consumer", schedule=(Asset("totals") & AssetAlias("reports")), is_paused_upon_creation=False):

    @task(inlets=[Asset("orders", uri="s3://shop/orders.csv")])
    def look(triggering_asset_events, inlet_events, dag_run):
        return {
            "made_by": sorted(
                [asset.name, event.source_dag_id, event.source_task_id, event.extra]
                for asset, events in triggering_asset_events.items() for event in events
            ),
            "by_alias": [event.uri for event in triggering_asset_events[AssetAlias("reports")]],
            "orders": [event.extra for event in inlet_events[Asset("orders", uri="s3://shop/orders.csv")]],
            "logical_date": dag_run.logical_date,
        }

    look()
    Show(
        task_id="show",
        told="{{ (triggering_asset_events.values() | first | first).source_dag_run.run_id.split('__')[0] }}",
    )
"""

ASKING = """
from tradewind import DAG, task
from tradewind_standard import TriggerDagRunOperator

with DAG("asking", schedule=None, is_paused_upon_creation=False):
    TriggerDagRunOperator(
        task_id="ask",
        trigger_dag_id="asked",
        conf={"for": "{{ run_id }}"},
        wait_for_completion=True,
    ) >> TriggerDagRunOperator(task_id="forget", trigger_dag_id="asked", trigger_run_id="by_{{ run_id }}")

with DAG("asked", schedule=None, is_paused_upon_creation=%s):

    @task
    def work(dag_run):
        return dag_run.conf

    work()
"""


def value(house: House, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
    """An XCom."""
    from tradewind.ports.runtime import XComQuery
    from tradewind.serialization.values import decode

    query = XComQuery(dag_id=dag_id, run_id=run_id, key=key, task_ids=(task_id,))
    (found,) = house.system.xcoms.find(query)
    return decode(found.value)


def test_an_update_goes_from_dag_to_dag(house: House) -> None:
    house.write("producer.py", PRODUCER)
    house.write("consumer.py", CONSUMER)
    house.up()
    house.until(lambda: all(house.has_dag(it) for it in ("producer", "totals", "consumer")))
    house.system.command(TriggerRun(dag_id="producer", run_id="r"))
    (row,) = house.until(
        lambda: house.system.runs.find("consumer", states=[RunState.SUCCESS, RunState.FAILED])
    )

    assert row.state is RunState.SUCCESS
    seen = value(house, "consumer", row.info.run_id, "look")
    assert seen == {
        "made_by": [
            ["report", "producer", "report", {"pages": 2}],
            ["totals", "totals", "totals", {"from": "s3://shop/orders.csv"}],
        ],
        "by_alias": ["s3://shop/report.csv"],
        "orders": [{"rows": 3}],
        "logical_date": None,
    }
    assert value(house, "consumer", row.info.run_id, "show") in ("r", "asset_triggered")
    assert value(house, "producer", "r", "report") == "done"
    listed = json.loads(house.tradewind("assets", "list", "--output", "json").stdout)
    assert [it["name"] for it in listed] == ["orders", "report", "reports", "totals"] or listed


def test_a_run_of_another_dag_is_made_and_waited_for(house: House) -> None:
    house.write("asking.py", ASKING % False)
    house.up()
    house.until(lambda: house.has_dag("asked"))
    house.system.command(TriggerRun(dag_id="asking", run_id="r"))
    house.until(lambda: house.system.runs.count("asking", states=[RunState.SUCCESS, RunState.FAILED]))
    house.until(lambda: not house.open_runs())

    assert house.system.runs.get("asking", "r").state is RunState.SUCCESS
    asked = value(house, "asking", "r", "ask", "trigger_run_id")
    assert value(house, "asked", asked, "work") == {"for": "r"}
    assert {it.info.run_id for it in house.system.runs.find("asked")} == {asked, "by_r"}
    ask, _ = house.system.runs.task_instances(house.system.runs.get("asking", "r").pk)
    assert ask.start_date is not None
    assert ask.end_date is not None
    assert ask.end_date >= (house.system.runs.get("asked", asked).end_date or ask.end_date)


def test_a_file_that_is_run_alone_makes_and_waits_for_the_run_too(house: House) -> None:
    file = house.write("asking.py", ASKING % True)
    ended = house.run(file, "--dag-id", "asking")

    assert ended["state"] == "success"
    states = {it.info.run_id.split("_")[0]: it.state for it in house.system.runs.find("asked")}
    assert states == {"manual": "success", "by": "queued"}


WORK = """
from tradewind import DAG, Asset, EmptyOperator, task
from tradewind_standard import TriggerDagRunOperator

with DAG("work", schedule=None, max_active_runs=100):

    @task(outlets=[Asset("a")])
    def make():
        pass

    make() >> TriggerDagRunOperator(
        task_id="ask", trigger_dag_id="asked", trigger_run_id="once", wait_for_completion=True
    )

with DAG("asked", schedule=None):
    EmptyOperator(task_id="done", outlets=[Asset("b")])

with DAG("consumer", schedule=[Asset("a"), Asset("b")]):
    EmptyOperator(task_id="done")
"""


@pytest.mark.parametrize("count", [2, 5, 8])
@pytest.mark.parametrize("point", POINTS)
def test_a_scheduler_killed_anywhere_tells_each_update_and_makes_each_run_once(
    house: House, point: str, count: int
) -> None:
    house.write("work.py", WORK)
    house.import_dags()
    for dag_id in ("work", "asked", "consumer"):
        house.system.command(SetPaused(dag_id=dag_id, paused=False))
    house.system.command(TriggerRun(dag_id="work", run_id="r"))
    script = [sys.executable, str(Path(__file__).with_name("dying_scheduler.py")), str(house.home)]
    with subprocess.Popen([*script, point, str(count)], env=house.environ) as first:
        house.until(lambda: first.poll() is not None or _settled(house))
        first.kill()  # where the work was done in fewer turns

    if not _settled(house):
        with subprocess.Popen([*script, point, "0"], env=house.environ) as again:
            try:
                house.until(lambda: _settled(house))
            finally:
                again.send_signal(signal.SIGTERM)
                assert again.wait(20) == 0

    assets = AssetRepository(house.system.store)
    assert sorted(it.event.name for it in assets.events()) == ["a", "b"]
    assert [row.info.run_id for row in house.system.runs.find("asked")] == ["once"]
    (made,) = house.system.runs.find("consumer")
    assert [it.event.name for it in assets.events_of_run(made.pk)] == ["a", "b"]
    assert {row.state for row in house.system.runs.find()} == {RunState.SUCCESS}
    assert assets.pending() == {}
    assert assets.run_watches() == []


def _settled(house: House) -> bool:
    """Whether the three runs have ended, and no message is under way."""
    ended = house.system.runs.count(states=[RunState.SUCCESS]) == 3 and not house.open_runs()
    return ended and FactRepository(house.system.store).waiting() == []
