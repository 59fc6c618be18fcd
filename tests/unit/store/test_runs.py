"""Runs, looked up by whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tradewind.errors import NotFound
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.store.batch import Batch
from tradewind.store.engine import Store
from tradewind.store.runs import RunRepository
from tradewind.store.tables import to_micros
from tradewind.store.writer import Writer

from .samples import DAY

NewRun = Callable[..., tuple[int, list[int]]]


def ids(runs: Any) -> list[str]:
    return [run.info.run_id for run in runs]


def test_open_runs_are_those_that_have_not_ended_in_the_order_in_which_they_were_made(
    store: Store, new_run: NewRun
) -> None:
    for number, state in enumerate(("queued", "success", "running", "failed")):
        new_run(f"r{number}", state=state, day=9 - number)
    new_run("other", shard=7)
    runs = RunRepository(store)
    assert ids(loaded.run for loaded in runs.open_runs()) == ["r0", "r2", "other"]
    assert ids(loaded.run for loaded in runs.open_runs({7, 8})) == ["other"]


def test_runs_are_loaded_by_pk_with_their_task_instances(store: Store, new_run: NewRun) -> None:
    first, _ = new_run("r1", ("a",))
    second, _ = new_run("r2", ("a", "b"))
    loaded = RunRepository(store).load([second, first, 999])
    assert [(one.run.pk, [ti.task_id for ti in one.task_instances]) for one in loaded] == [
        (first, ["a"]),
        (second, ["a", "b"]),
    ]


def test_runs_are_found_by_dag_state_type_and_date(store: Store, new_run: NewRun) -> None:
    new_run("d0", day=0, state="success")
    new_run("d1", day=1, state="failed", run_type="scheduled")
    new_run("d2", day=2, state="running")
    new_run("x", day=3, dag_id="other")
    runs = RunRepository(store)
    assert ids(runs.find()) == ["x", "d2", "d1", "d0"]
    assert ids(runs.find("d", newest_first=False)) == ["d0", "d1", "d2"]
    assert ids(runs.find("d", states=[RunState.SUCCESS, RunState.FAILED])) == ["d1", "d0"]
    assert ids(runs.find(run_types=[RunType.SCHEDULED])) == ["d1"]
    assert ids(runs.find("d", since=DAY + timedelta(days=1), until=DAY + timedelta(days=1))) == ["d1"]
    assert ids(runs.find("d", limit=1, offset=1)) == ["d1"]
    assert runs.count("d") == 3
    assert runs.count(states=[RunState.RUNNING]) == 2
    assert runs.open_counts() == {
        "d": {RunState.RUNNING: 1},
        "other": {RunState.RUNNING: 1},
    }


def test_the_run_before_is_found_by_logical_date(store: Store, new_run: NewRun) -> None:
    new_run("d0", day=0, state="success", scheduled_date=to_micros(DAY))
    new_run("d2", day=2, state="failed")
    new_run("d1", day=1, state="success")
    new_run("now", day=3)
    new_run("manual")
    new_run("other", day=2, dag_id="e")
    runs = RunRepository(store)
    now = runs.get("d", "now").info
    found = [
        runs.previous(now),
        runs.previous(now, success_only=True),
        runs.previous_scheduled(now),
        runs.previous(runs.get("d", "d0").info),
        runs.previous(runs.get("d", "manual").info),
    ]
    assert [one and one.info.run_id for one in found] == ["d2", "d1", "d0", None, None]


def test_scheduled_runs_are_found_by_their_dates(store: Store, new_run: NewRun) -> None:
    for day in range(5):
        new_run(f"d{day}", day=day, scheduled_date=to_micros(DAY + timedelta(days=day)))
    new_run("manual", day=2)
    found = RunRepository(store).scheduled_dates("d", DAY + timedelta(days=1), DAY + timedelta(days=3))
    assert {date.day: run.info.run_id for date, run in found.items()} == {2: "d1", 3: "d2", 4: "d3"}


def test_a_run_that_is_not_there_is_told_with_close_names(store: Store, new_run: NewRun) -> None:
    new_run("manual__1")
    with pytest.raises(NotFound, match=r"DAG 'd'.*'manual_1'. Did you mean 'manual__1'\?"):
        RunRepository(store).get("d", "manual_1")


def test_ids_differ_by_case(store: Store, new_run: NewRun) -> None:
    new_run("Run", ("Task", "task"))
    new_run("run")
    assert RunRepository(store).get("d", "run").pk != RunRepository(store).get("d", "Run").pk


def test_states_of_tasks_are_counted(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, (a, *_) = new_run("r1", ("a", "b", "c"))
    row = {"try_number": 1, "max_tries": 0, "attempt_id": None, "due_at": None, "start_date": None}
    row |= {"end_date": None, "branch": None, "reason": ""}
    writer.write(Batch(task_instances=[{"pk": a, "state": "success"} | row]))
    writer.commit()
    assert RunRepository(store).task_states([pk]) == {pk: {TaskState.SUCCESS: 1, None: 2}}
