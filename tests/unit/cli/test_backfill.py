"""``tradewind backfill``, and what ``why`` says of runs that wait for others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradewind.model.commands import TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec, TimetableSpec

DAILY = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})
DATES = ("--dag-id", "d", "--from-date", "2024-01-01", "--to-date", "2024-01-05")


@pytest.fixture
def daily(world):
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"), timetable=DAILY, paused=True)
    return world


def test_a_dry_run_says_what_would_happen_and_does_nothing(tradewind, daily) -> None:
    daily.start()
    date = datetime(2024, 1, 2, tzinfo=UTC)
    daily.send(TriggerRun(dag_id="d", run_id="there", logical_date=date))

    said = tradewind("backfill", "create", *DATES, "--dry-run", "--run-backwards", "-o", "json").json

    assert [run["logical_date"][:10] for run in said["runs"]] == [f"2024-01-0{n}" for n in (5, 4, 3, 2, 1)]
    assert said["runs"][3]["result"] == "not created: in flight"
    assert (said["total"], said["created"], said["in_flight"], said["task_instances"]) == (5, 4, 1, 8)
    assert tradewind("backfill", "list", "-o", "json").json == []
    told = tradewind("backfill", "create", *DATES, "--dry-run")
    assert "It would make 4 runs and let 0 go again, with 8 tasks; 1 dates would be left alone." in told.err


def test_a_backfill_is_recorded_without_a_scheduler_and_can_be_looked_at_paused_and_cancelled(
    tradewind, daily
) -> None:
    made = tradewind("backfill", "create", *DATES, "--max-active-runs", "2", "-o", "json")
    assert "it will go on when `tradewind up` runs" in made.err
    number = str(made.json["id"])
    assert (made.json["state"], made.json["max_active_runs"]) == ("running", 2)

    assert tradewind("backfill", "pause", number, "-o", "json").json["state"] == "paused"
    daily.start()
    daily.settle()
    shown = tradewind("backfill", "show", number, "-o", "json").json
    assert (shown["total"], shown["created"], shown["queued"]) == (5, 5, 5)
    run_id = shown["slots"][0]["run_id"]
    why = tradewind("runs", "why", "d", run_id)
    assert f"Its backfill {number} is paused." in why.out
    assert f"tradewind backfill resume {number}" in why.out

    daily.scheduler.close()
    assert tradewind("backfill", "resume", number, "-o", "json").json["state"] == "running"
    assert tradewind("backfill", "cancel", number, "--yes", "-o", "json").json["state"] == "cancelled"
    (listed,) = tradewind("backfill", "list", "--dag-id", "d", "-o", "json").json
    assert listed["id"] == int(number)
    assert "cancelled" in tradewind("backfill", "list", "--active").out


def test_what_cannot_be_is_refused_with_its_name(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a", depends_on_past=True), timetable=DAILY)
    said = tradewind("backfill", "create", *DATES, "--run-backwards")
    assert said.code == 1
    assert "InvalidBackfillDirection" in said.err
    dry = tradewind("backfill", "create", *DATES, "--run-backwards", "--dry-run")
    assert "InvalidBackfillDirection" in dry.err
    world.add_dag(TaskSpec(task_id="a"), dag_id="d")
    assert "DagNonPeriodicScheduleException" in tradewind("backfill", "create", *DATES).err
    assert tradewind("backfill", "show", "7").code == 3
    assert tradewind("backfill", "pause", "7").code == 3


def test_a_task_that_waits_for_its_past_says_so(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a", depends_on_past=True))
    world.start()
    for day in (1, 2):
        date = datetime(2024, 1, day, tzinfo=UTC)
        world.send(TriggerRun(dag_id="d", run_id=f"r{day}", logical_date=date))
    world.executor.orders["a"] = world.executor.submitted[0]
    world.executor.end("a", Failed("no"))
    world.settle()

    expected = "Waits for its previous run r1: a is failed there (depends_on_past)."
    assert expected in tradewind("tasks", "why", "d", "r2", "a").out
    assert expected in tradewind("runs", "why", "d", "r2").out


def test_a_dag_that_was_switched_off_for_its_failures_says_so(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_consecutive_failed_dag_runs=1)
    world.start()
    world.trigger()
    world.executor.end("a", Failed("no"))
    world.settle()

    reason = "its newest run failed (max_consecutive_failed_dag_runs)"
    assert f"It is switched off, since {reason}" in tradewind("dags", "why", "d").out
    assert tradewind("dags", "show", "d", "-o", "json").json["paused_reason"] == reason


def test_a_restored_system_does_not_go_on_with_a_backfill_by_itself(tradewind, daily, tmp_path) -> None:
    tradewind("backfill", "create", *DATES)
    backup = str(tmp_path / "b.db")
    assert tradewind("db", "backup", backup).code == 0

    said = tradewind("db", "restore", backup, "--yes")

    assert "`tradewind backfill resume`" in said.err
    assert tradewind("backfill", "show", "1", "-o", "json").json["is_paused"] is True
    tradewind("db", "restore", backup, "--yes", "--keep-on")
    assert tradewind("backfill", "show", "1", "-o", "json").json["is_paused"] is False
