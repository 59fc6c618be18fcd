"""A backfill makes the runs that Airflow makes: by the plan alone, and by the scheduler over a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.scheduler.world import World

from tradewind.errors import Refused
from tradewind.logic.backfill import check, preview
from tradewind.model.backfill import ReprocessBehavior
from tradewind.model.commands import CreateBackfill, MarkRun, TriggerRun
from tradewind.model.spec import DagSpec, TaskSpec, TimetableSpec
from tradewind.model.states import RunState, RunType
from tradewind.store.backfills import BackfillRepository
from tradewind.timetables import resolve
from tradewind.timetables.slots import is_periodic, slots_between

_TYPES = {
    "cron_interval": "cron_data_interval",
    "cron_trigger": "cron_trigger",
    "delta_interval": "delta_data_interval",
}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _spec(case: dict[str, Any]) -> DagSpec:
    task = TaskSpec(task_id="a", depends_on_past=case.get("depends_on_past", False))
    return DagSpec(
        dag_id="d",
        tasks=(task,),
        timetable=_timetable(case),
        timezone=case.get("timezone", "UTC"),
        start_date=_moment(case["start_date"]) if case.get("start_date") else None,
        end_date=_moment(case["end_date"]) if case.get("end_date") else None,
        catchup=case.get("catchup", False),
    )


def _timetable(case: dict[str, Any]) -> TimetableSpec | None:
    if case["timetable"] == "null":
        return None
    expression = case["expr"]
    if isinstance(expression, dict):
        args: dict[str, Any] = {"seconds": timedelta(**expression).total_seconds()}
    else:
        args = {"cron": expression, "timezone": case.get("timezone", "UTC")}
    return TimetableSpec(type=_TYPES[case["timetable"]], args=args)


def _now(case: dict[str, Any]) -> datetime:
    return _moment(case.get("now", "2024-06-01T00:00:00Z"))


def _check(case: dict[str, Any]) -> None:
    spec = _spec(case)
    check(
        spec,
        periodic=is_periodic(spec.timetable),
        since=_moment(case["from"]),
        until=_moment(case["to"]),
        now=_now(case),
        reprocess=ReprocessBehavior(case.get("reprocess", "none")),
        backwards=case.get("reverse", False),
    )


@pytest.mark.facts("backfill.json")
def test_the_plan_is_that_of_airflow(case: dict[str, Any]) -> None:
    if isinstance(case["slots"], dict):
        with pytest.raises(Refused) as refused:
            _check(case)
        assert type(refused.value).__name__ == case["slots"]["error"]
        return
    _check(case)
    if case["slots"] == "ok":
        return
    since, until, now = _moment(case["from"]), _moment(case["to"]), _now(case)
    planned = list(slots_between(resolve(_spec(case).timetable), since, until, now))
    intervals = {one.logical_date: one.interval for one in planned}
    existing: dict[datetime, list[RunState]] = {}
    for date, state in case["existing"]:
        existing.setdefault(_moment(date), []).append(RunState(state))

    seen = preview(
        list(intervals), existing, ReprocessBehavior(case["reprocess"]), backwards=case["reverse"], tasks=1
    )

    assert [(slot.logical_date, str(slot.result)) for slot in seen.slots] == [
        (_moment(slot["logical_date"]), slot["result"]) for slot in case["slots"]
    ]
    for slot in case["slots"]:
        if slot["result"] == "created":
            found = intervals[_moment(slot["logical_date"])]
            assert [found.start, found.end] == [_moment(text) for text in slot["interval"]]


def _has_slots(case: dict[str, Any]) -> bool:
    return isinstance(case["slots"], list)


@pytest.mark.facts("backfill.json", only=_has_slots)
def test_the_scheduler_makes_the_runs_that_airflow_makes(case: dict[str, Any], tmp_path: Path) -> None:
    spec = _spec(case)
    world = World(tmp_path)
    try:
        world.clock.moment = _now(case)
        # switched off, so that the backfill alone makes runs
        world.add_dag(
            *spec.tasks,
            timetable=spec.timetable,
            start_date=spec.start_date,
            end_date=spec.end_date,
            paused=True,
            max_active_runs=1,
        )
        world.start()
        for date, state in case["existing"]:
            _existing(world, _moment(date), state)

        row = world.send(
            CreateBackfill(
                dag_id="d",
                from_date=_moment(case["from"]),
                to_date=_moment(case["to"]),
                run_backwards=case["reverse"],
                reprocess_behavior=ReprocessBehavior(case["reprocess"]),
                max_active_runs=1,
            )
        )
        assert row.refused_reason is None
        assert row.result is not None
        for _ in range(10):
            world.settle()

        slots = BackfillRepository(world.store).slots(row.result["id"])
        ordered = list(reversed(slots)) if case["reverse"] else slots
        assert [(slot.logical_date, str(slot.result)) for slot in ordered] == [
            (_moment(slot["logical_date"]), slot["result"]) for slot in case["slots"]
        ]
        first = True
        for slot, expected in zip(ordered, case["slots"], strict=True):
            if "run_type" in expected:
                run = world.runs.by_pk(slot.run_pk or 0)
                assert run is not None
                assert run.info.run_type == expected["run_type"]
                assert run.state == ("running" if first else "queued")
                first = False
    finally:
        world.scheduler.close()
        world.store.close()


def _existing(world: World, date: datetime, state: str) -> None:
    command = TriggerRun(
        dag_id="d",
        run_id=f"r{date:%d}",
        logical_date=date,
        run_after=date,
        run_type=RunType.SCHEDULED,
        even_if_paused=state == "running",
    )
    world.send(command)
    if state in ("success", "failed"):
        world.send(MarkRun(dag_id="d", run_id=f"r{date:%d}", state=RunState(state)))
