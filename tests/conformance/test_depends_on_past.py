"""A task that depends on its past starts where Airflow lets it start: by the rule alone, and through the whole scheduler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.unit.scheduler.world import World

from tradewind.logic.past import PreviousRun, held_back
from tradewind.model.commands import TriggerRun
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunType, TaskState

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def _tasks(case: dict[str, Any]) -> tuple[TaskSpec, TaskSpec]:
    flags = {
        name: case[name]
        for name in ("depends_on_past", "wait_for_downstream", "ignore_first_depends_on_past")
        if name in case
    }
    return TaskSpec(task_id="a", downstream=("b",), **flags), TaskSpec(task_id="b")


def _state(name: str | None) -> TaskState | None:
    return TaskState(name) if name else None


@pytest.mark.facts("depends_on_past.json")
def test_the_rule_holds_back_what_airflow_holds_back(case: dict[str, Any]) -> None:
    dag = DagSpec(dag_id="d", tasks=_tasks(case), catchup=case["catchup"])
    states = {"a": _state(case["previous_state"]), "b": _state(case["previous_downstream_state"])}
    before: PreviousRun | None = PreviousRun("before", DAY, lambda task_id: (states[task_id],))
    if case["previous_run"] is None or (case["catchup"] and case["previous_run"] == "manual"):
        before = None  # which run is the previous one is the scheduler's to find

    held = held_back(dag.tasks[0], dag, before)

    assert (held is None) == case["met"]
    if held is not None:
        assert "previous run before" in held.reason


@pytest.mark.facts("depends_on_past.json")
def test_the_scheduler_holds_back_what_airflow_holds_back(case: dict[str, Any], tmp_path: Path) -> None:
    world = World(tmp_path)
    try:
        world.add_dag(*_tasks(case), catchup=case["catchup"], max_active_runs=5, dag_id="d")
        world.start()
        if case["previous_run"] is not None:
            _trigger(world, "before", DAY, RunType(case["previous_run"]))
            pk = world.run("before").pk
            ended = {case["previous_state"], case["previous_downstream_state"]} <= {
                "success",
                "failed",
                "skipped",
                "upstream_failed",
            }
            with world.store.write() as connection:  # the earlier run, as it stood when that was measured
                for task, state in (
                    ("a", case["previous_state"]),
                    ("b", case["previous_downstream_state"]),
                ):
                    update = "UPDATE task_instance SET state = :s, attempt_id = NULL WHERE run_pk = :r AND task_id = :t"
                    connection.execute(text(update), {"s": state, "r": pk, "t": task})
                if ended:
                    connection.execute(text("UPDATE dag_run SET state = 'failed' WHERE id = :r"), {"r": pk})
                connection.execute(text("DELETE FROM attempt"))
            if not ended:
                # a run that is put aside keeps what it says of itself
                with world.store.write() as connection:
                    connection.execute(text("UPDATE dag_run SET state = 'success' WHERE id = :r"), {"r": pk})
            world.crash()

        _trigger(world, "now", DAY + timedelta(days=1), RunType.SCHEDULED)

        assert world.states("now")["a"] == ("queued" if case["met"] else None)
    finally:
        world.scheduler.close()
        world.store.close()


def _trigger(world: World, run_id: str, date: datetime, run_type: RunType) -> None:
    row = world.send(
        TriggerRun(dag_id="d", run_id=run_id, logical_date=date, run_after=date, run_type=run_type)
    )
    assert row.refused_reason is None
