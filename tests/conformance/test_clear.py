"""Clearing: what it selects, what it makes of instances and runs, and how a run goes on after it, as on Airflow."""

from __future__ import annotations

from typing import Any

import pytest
from measured import NOW, new_run, run_on

from tradewind.logic.clearing import clear
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.logic.subset import states_of, subset
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunState, TaskState


@pytest.mark.facts("clear.json")
def test_a_clear_changes_an_instance_and_its_run_as_on_airflow(case: dict[str, Any]) -> None:
    run = new_run({"tasks": [{"id": "t", "kind": "ok", "retries": case["retries"]}], "edges": []})
    run.state = RunState(case["run_state"])
    run.states[0] = TaskState(case["state"]) if case["state"] else None
    run.try_numbers[0] = case["try_number"]
    run.recount()

    clear(Machine(NOW), run, [0], "cleared")

    assert case["after"] == {
        "state": run.states[0],
        "try_number": run.try_numbers[0],
        "max_tries": run.max_tries[0],
        "run_state": run.state,
    }


@pytest.mark.facts("clear_filters.json")
def test_filters_select_states_as_on_airflow(case: dict[str, Any]) -> None:
    wanted = states_of(**case["filter"])

    assert sorted(case["states_cleared"]) == [
        state for state in sorted(case["states_present"]) if not wanted or state in wanted
    ]


@pytest.mark.facts("partial_subset.json")
def test_tasks_are_meant_as_on_airflow(case: dict[str, Any]) -> None:
    ids = sorted({task for edge in case["edges"] for task in edge})
    tasks = tuple(
        TaskSpec(
            task_id=task,
            downstream=tuple(after for before, after in case["edges"] if before == task),
            is_setup=task in case["setups"],
            is_teardown=task in case["teardowns"],
        )
        for task in ids
    )
    plan = Plan(DagSpec(dag_id="d", tasks=tasks))

    meant = subset(
        plan,
        [plan.index[task] for task in case["select"]],
        upstream=case["upstream"],
        downstream=case["downstream"],
        direct_upstream=case["direct_upstream"],
    )

    assert sorted(ids[number] for number in meant) == sorted(case["subset"])


@pytest.mark.facts("clear_rerun.json")
def test_a_run_goes_on_after_a_clear_as_on_airflow(case: dict[str, Any]) -> None:
    run = new_run(case)
    run_on(run, case)
    assert _shown(run) == _expected(case["first_run"])

    for step in case["steps"]:
        clear(Machine(NOW), run, [run.plan.index[task] for task in case["clear"]], "cleared")
        assert _shown(run) == _expected(step["right_after_clear"])
        run_on(run, case)
        assert _shown(run) == _expected(step["after_rerun"])


def _shown(run: LiveRun) -> dict[str, Any]:
    ids = run.plan.index
    return {
        "run": run.state,
        "tasks": {task: str(run.states[n]) for task, n in ids.items()},
        "tries": {task: run.try_numbers[n] for task, n in ids.items() if run.try_numbers[n] != 1},
        "max_tries": {task: run.max_tries[n] for task, n in ids.items() if run.max_tries[n]},
    }


def _expected(given: dict[str, Any]) -> dict[str, Any]:
    return {key: given[key] for key in ("run", "tasks", "tries", "max_tries")}
