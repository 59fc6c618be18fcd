"""The small DAGs whose results were measured on Airflow, run for real: imported from a file, scheduled, a process a task."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from house import House

from tradewind.model.commands import TriggerRun

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
from facts import conformance_cases

pytestmark = pytest.mark.integration

HEAD = """
import json
from pathlib import Path
from tradewind import (
    DAG, BranchPythonOperator, EmptyOperator, PythonOperator, ShortCircuitOperator, get_current_context,
)
from tradewind.errors import FailTask, SkipTask


def ok(): return 1
def fail(): raise ValueError("as it should")
def skip(): raise SkipTask("as it should")
def fail_now(): raise FailTask("as it should")
def flaky(fail_times):
    if get_current_context()["ti"].try_number <= fail_times:
        raise ValueError("not yet")


def make(task):
    common = {"task_id": task["id"], "retries": task.get("retries", 0), "retry_delay": 0}
    if "trigger_rule" in task:
        common["trigger_rule"] = task["trigger_rule"]
    kind = task["kind"]
    if kind == "empty":
        return EmptyOperator(**common)
    if kind == "branch":
        return BranchPythonOperator(python_callable=lambda: task["choose"], **common)
    if kind == "short":
        rules = task.get("ignore_rules", True)
        value = task["value"]
        return ShortCircuitOperator(
            python_callable=lambda: value, ignore_downstream_trigger_rules=rules, **common
        )
    if kind == "flaky":
        return PythonOperator(python_callable=flaky, op_kwargs={"fail_times": task["fail_times"]}, **common)
    return PythonOperator(python_callable=globals()[kind], **common)


for case in json.loads(Path(__file__).with_name("cases.json").read_text()):
    with DAG(case["id"], max_active_runs=1):
        tasks = {task["id"]: make(task) for task in case["tasks"]}
        for setup in case.get("setups", []):
            tasks[setup].as_setup()
        for teardown, setups in case.get("teardowns", {}).items():
            tasks[teardown].as_teardown(
                setups=[tasks[setup] for setup in setups],
                on_failure_fail_dagrun=teardown in case.get("fail_dagrun", []),
            )
        for upstream, downstream in case["edges"]:
            tasks[upstream] >> tasks[downstream]
"""


def _cases() -> list[dict[str, Any]]:
    """Those that can be imported; empty where the facts are not there. What ``fail_fast`` finds at work when a task fails
    depends on who is first: its case goes through the state machine, in the order in which it was measured."""
    found = conformance_cases("graph_runs.json")
    return [case for case in found if "import_error" not in case["expect"] and case["id"] != "fail_fast"]


def test_every_measured_dag_ends_as_measured(house: House) -> None:
    cases = _cases()
    if not cases:
        pytest.skip("conformance/graph_runs.json is not there: set TRADEWIND_CONFORMANCE to its folder")
    (house.dags / "cases.json").write_text(json.dumps(cases))
    house.write("graphs.py", HEAD)
    house.up()
    house.until(lambda: len(house.system.dags.find()) == len(cases))
    for case in cases:
        house.system.submit(TriggerRun(dag_id=case["id"], run_id="r", even_if_paused=True))
    house.until(lambda: house.system.runs.count() == len(cases) and not house.open_runs(), 60)

    wrong = {}
    for case in cases:
        run = house.system.runs.get(case["id"], "r")
        tasks = {it.task_id: it.state for it in house.system.runs.task_instances(run.pk)}
        expected = [case["expect"], *case.get("also_possible_in_other_task_orders", [])]
        if not any(it["run"] == run.state and it["tasks"] == tasks for it in expected):
            wrong[case["id"]] = (run.state, tasks, case["expect"])
    assert wrong == {}
