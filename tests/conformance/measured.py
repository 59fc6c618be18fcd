"""Measured DAGs as plans, and runs of them driven through the state machine alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tradewind.authoring.dag import DAG
from tradewind.authoring.operators.empty import EmptyOperator
from tradewind.errors import DefinitionError
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.model.outcomes import Branched, Failed, Outcome, Skipped, Succeeded
from tradewind.model.run import RunInfo
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RUN_FINAL, RunType, TaskState, TriggerRule

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def spec_of(case: dict[str, Any]) -> DagSpec:
    """The DAG that a case describes."""
    setups, teardowns = case.get("setups", []), case.get("teardowns", {})
    after: dict[str, list[str]] = {task["id"]: [] for task in case["tasks"]}
    undone = [(s, t) for t, its in teardowns.items() for s in its] if isinstance(teardowns, dict) else []
    for upstream, downstream in [*case["edges"], *undone]:
        if downstream not in after[upstream]:
            after[upstream].append(downstream)
    tasks = tuple(
        TaskSpec(
            task_id=task["id"],
            downstream=tuple(after[task["id"]]),
            trigger_rule=TriggerRule(
                "all_done_setup_success"
                if task["id"] in teardowns
                else task.get("trigger_rule", "all_success")
            ),
            runs_code=task["kind"] != "empty",
            chooses=task["kind"] in ("branch", "short"),
            chooses_all=task["kind"] == "short" and task.get("ignore_rules", True),
            retries=task.get("retries", 0),
            retry_delay=0,
            is_setup=task["id"] in setups,
            is_teardown=task["id"] in teardowns,
            on_failure_fail_dagrun=task["id"] in case.get("fail_dagrun", []),
        )
        for task in case["tasks"]
    )
    return DagSpec(dag_id="d", tasks=tasks, fail_fast=case.get("dag", {}).get("fail_fast", False))


def new_run(case: dict[str, Any]) -> LiveRun:
    """A run of it that has not begun."""
    plan = Plan(spec_of(case))
    info = RunInfo(
        dag_id="d", run_id="r", run_type=RunType.MANUAL, logical_date=NOW, data_interval=None, run_after=NOW
    )
    return LiveRun(plan, 1, info, list(range(len(plan))))


def outcome_of(task: dict[str, Any], try_number: int) -> Outcome:
    """How a try of a task ends."""
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


def run_on(run: LiveRun, case: dict[str, Any]) -> None:
    """Let the run begin, and go on to its end."""
    machine = Machine(NOW)
    machine.begin(run)
    for turn in range(1000):
        if run.state in RUN_FINAL:
            return
        waits, machine.delta.waits = machine.delta.waits, []
        for _, number in waits:
            machine.due(run, number)
        ready, machine.delta.ready = machine.delta.ready, []
        for _, number in ready:
            if run.states[number] is TaskState.SCHEDULED:
                machine.queued(run, number, f"{turn}-{number}", "")
                machine.started(run, number, NOW)
                outcome = outcome_of(case["tasks"][number], run.try_numbers[number])
                machine.finished(run, number, outcome, NOW, NOW)
    raise AssertionError(f"the run never ends: {run.states}")


def final_states(run: LiveRun) -> dict[str, Any]:
    """The states of the run and of its tasks."""
    return {
        "run": run.state.value,
        "tasks": {task.task_id: run.states[n] for n, task in enumerate(run.plan.tasks)},
    }


def refused(case: dict[str, Any]) -> str:
    """What is said against a DAG that cannot be: it is written as its author would."""
    with DAG("d") as dag:
        tasks = {
            task["id"]: EmptyOperator(
                task_id=task["id"], trigger_rule=task.get("trigger_rule", "all_success")
            )
            for task in case["tasks"]
        }
        for setup in case.get("setups", []):
            tasks[setup].as_setup()
        for teardown, setups in case.get("teardowns", {}).items():
            tasks[teardown].as_teardown(setups=[tasks[setup] for setup in setups])
        for upstream, downstream in case["edges"]:
            tasks[upstream] >> tasks[downstream]
    try:
        dag.spec()
    except DefinitionError as error:
        return str(error)
    raise AssertionError("nothing is said against it")
