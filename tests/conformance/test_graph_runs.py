"""Whole small DAGs, driven through the state machine alone, end as on Airflow."""

from __future__ import annotations

from typing import Any

import pytest
from measured import final_states, new_run, refused, run_on


@pytest.mark.facts("graph_runs.json")
def test_a_dag_ends_as_on_airflow(case: dict[str, Any]) -> None:
    if "import_error" in case["expect"]:
        assert case["expect"]["import_error"].split(": ")[1].rstrip(".") in refused(case)
        return

    run = new_run(case)
    run_on(run, case)

    tries = {
        task.task_id: run.try_numbers[n] for n, task in enumerate(run.plan.tasks) if run.try_numbers[n] > 1
    }
    expected = [case["expect"], *case.get("also_possible_in_other_task_orders", [])]
    run_state = {"run": "failed"} if run.reason.startswith("fail_fast") else {}  # differs on purpose
    assert final_states(run) in [
        {"run": given["run"], "tasks": given["tasks"]} | run_state for given in expected
    ]
    assert tries == case["expect"].get("tries", {})


def test_a_run_that_fail_fast_stopped_ends_failed() -> None:
    tasks = [{"id": "f", "kind": "fail"}, {"id": "a", "kind": "ok"}, {"id": "b", "kind": "ok"}]

    case = {"tasks": tasks, "edges": [["f", "a"], ["a", "b"]], "dag": {"fail_fast": True}}
    run = new_run(case)
    run_on(run, case)

    assert run.state == "failed"
    assert run.reason == "fail_fast: f failed"
    assert run.states == ["failed", "skipped", "skipped"]
