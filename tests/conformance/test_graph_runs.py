"""Whole small DAGs, driven through the state machine alone, end as on Airflow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.model.outcomes import Branched, Failed, Outcome, Skipped, Succeeded
from tradewind.model.run import RunInfo
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RUN_FINAL, RunType, TaskState, TriggerRule

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def _plan(case: dict[str, Any]) -> Plan:
    after: dict[str, list[str]] = {task["id"]: [] for task in case["tasks"]}
    for upstream, downstream in case["edges"]:
        after[upstream].append(downstream)
    tasks = tuple(
        TaskSpec(
            task_id=task["id"],
            downstream=tuple(after[task["id"]]),
            trigger_rule=TriggerRule(task.get("trigger_rule", "all_success")),
            runs_code=task["kind"] != "empty",
            chooses=task["kind"] in ("branch", "short"),
            retries=task.get("retries", 0),
            retry_delay=0,
        )
        for task in case["tasks"]
    )
    return Plan(DagSpec(dag_id="d", tasks=tasks, fail_fast=case.get("dag", {}).get("fail_fast", False)))


def _outcome(task: dict[str, Any], try_number: int) -> Outcome:
    chosen = task.get("choose") or []
    match task["kind"]:
        case "fail":
            return Failed("ValueError")
        case "fail_now":
            return Failed("FailTask", retry="never")
        case "skip":
            return Skipped("asked to")
        case "flaky":
            return Failed("ValueError") if try_number <= task["fail_times"] else Succeeded()
        case "branch":
            return Branched((chosen,) if isinstance(chosen, str) else tuple(chosen))
        case "short" if not task["value"]:
            return Branched((), "all" if task.get("ignore_rules", True) else "direct")
    return Succeeded()


def _run_to_end(case: dict[str, Any]) -> LiveRun:
    plan = _plan(case)
    info = RunInfo(
        dag_id="d", run_id="r", run_type=RunType.MANUAL, logical_date=NOW, data_interval=None, run_after=NOW
    )
    run = LiveRun(plan, 1, info, list(range(len(plan))))
    machine = Machine(NOW)
    machine.begin(run)
    for turn in range(1000):
        if run.state in RUN_FINAL:
            return run
        waits, machine.delta.waits = machine.delta.waits, []
        for _, number in waits:
            machine.due(run, number)
        ready, machine.delta.ready = machine.delta.ready, []
        for _, number in ready:
            if run.states[number] is TaskState.SCHEDULED:
                machine.queued(run, number, f"{turn}-{number}", "")
                machine.started(run, number, NOW)
                outcome = _outcome(case["tasks"][number], run.try_numbers[number])
                machine.finished(run, number, outcome, NOW, NOW)
    raise AssertionError(f"the run never ends: {run.states}")


@pytest.mark.facts("graph_runs.json")
def test_a_dag_ends_as_on_airflow(case: dict[str, Any]) -> None:
    if case["id"] == "fail_fast":
        pytest.skip("differs on purpose: a run that fail_fast stopped ends failed, see the test below")
    if case.get("setups") or case.get("teardowns"):
        pytest.skip("setup and teardown are not part of this release")

    run = _run_to_end(case)

    ended = {
        "run": run.state.value,
        "tasks": {task.task_id: run.states[n] for n, task in enumerate(run.plan.tasks)},
    }
    tries = {
        task.task_id: run.try_numbers[n] for n, task in enumerate(run.plan.tasks) if run.try_numbers[n] > 1
    }
    expected = [case["expect"], *case.get("also_possible_in_other_task_orders", [])]
    assert ended in [{"run": given["run"], "tasks": given["tasks"]} for given in expected]
    assert tries == case["expect"].get("tries", {})


def test_a_run_that_fail_fast_stopped_ends_failed() -> None:
    tasks = [{"id": "f", "kind": "fail"}, {"id": "a", "kind": "ok"}, {"id": "b", "kind": "ok"}]

    run = _run_to_end({"tasks": tasks, "edges": [["f", "a"], ["a", "b"]], "dag": {"fail_fast": True}})

    assert run.state == "failed"
    assert run.reason == "fail_fast: f failed"
    assert run.states == ["failed", "skipped", "skipped"]
