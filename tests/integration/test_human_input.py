"""A person answers a task of a system that runs."""

from __future__ import annotations

import json

import pytest
from house import House

from tradewind.model.commands import SetPaused, TriggerRun

pytestmark = pytest.mark.integration

DAG_FILE = """
from tradewind import DAG, Param, task
from tradewind_standard import HITLBranchOperator

with DAG("asks"):
    ask = HITLBranchOperator(
        task_id="ask", subject="Where to, {{ run_id }}?", options=["left", "right"], params={"n": Param(1, type="integer")}
    )

    @task
    def left(): ...

    @task
    def right(ti):
        answer = ti.xcom_pull("ask")
        print("n is", answer["params_input"]["n"], "by", answer["responded_by_user"]["name"])

    ask >> [left(), right()]
"""


def test_a_question_is_shown_answered_and_gone_on_with(house: House) -> None:
    house.write("asks.py", DAG_FILE)
    house.up()
    house.until(lambda: house.has_dag("asks"))
    house.system.command(SetPaused(dag_id="asks", paused=False))
    house.system.command(TriggerRun(dag_id="asks", run_id="r"))
    house.until(lambda: house.system.inputs.find("asks", open_only=True))

    (listed,) = json.loads(house.tradewind("hitl", "list", "--output", "json").stdout)
    assert (listed["task_id"], listed["subject"], listed["state"]) == ("ask", "Where to, r?", "waiting")
    assert "waits for an answer: Where to, r?" in house.tradewind("tasks", "why", "asks", "r", "ask").stdout
    refused = house.tradewind("hitl", "respond", "asks", "r", "ask", "--option", "up")
    assert refused.returncode != 0
    assert "There is no option 'up'" in refused.stderr

    answered = house.tradewind(
        "hitl", "respond", "asks", "r", "ask", "--option", "right", "--params", '{"n": 5}'
    )
    assert answered.returncode == 0, answered.stderr
    house.until(lambda: not house.open_runs())
    states = {
        it.task_id: it.state for it in house.system.runs.task_instances(house.system.runs.get("asks", "r").pk)
    }
    assert states == {"ask": "success", "left": "skipped", "right": "success"}
    assert "n is 5 by" in house.tradewind("tasks", "logs", "asks", "r", "right").stdout
    shown = json.loads(house.tradewind("hitl", "show", "asks", "r", "ask", "--output", "json").stdout)
    assert (shown["state"], shown["chosen_options"]) == ("answered", ["right"])
