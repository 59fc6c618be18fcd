"""``tradewind db clean``, ``backup`` and ``restore``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from world import World

from tradewind.model.spec import TaskSpec, TimetableSpec

Tradewind = Callable[..., Any]


def daily(world: World, **fields: object) -> None:
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"}),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=True,
        max_active_runs=1,
        **fields,
    )


def test_old_runs_are_forgotten_with_their_logs(failed_run: World, home: Path, tradewind: Tradewind) -> None:
    log = home / "logs" / "umbrella" / "r" / "clean" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("no such city")
    dry = tradewind("db", "clean", "--before", "2025-01-01", "--dry-run", "--output", "json")
    assert {it["table"]: it["rows"] for it in dry.json}["dag_run"] == 1
    assert log.exists()
    said = tradewind("db", "clean", "--before", "2025-01-01", "--yes", "--output", "json")
    assert {it["table"]: it["rows"] for it in said.json}["dag_run"] == 1
    assert not log.parents[2].exists()
    assert tradewind("runs", "list", "--output", "json").json == []


def test_what_is_kept_follows_from_the_settings(failed_run: World, tradewind: Tradewind) -> None:
    assert "nothing to forget" in tradewind("db", "clean", "--keep-runs", "1", "--yes").out
    said = tradewind("db", "clean", "--yes", "--output", "json")  # 2024 is more than a year ago
    assert {it["table"]: it["rows"] for it in said.json}["dag_run"] == 1


def test_a_restored_system_does_nothing_twice_unless_told_to(
    world: World, home: Path, tmp_path: Path, tradewind: Tradewind
) -> None:
    daily(world)
    world.start()
    world.scheduler.close()
    backup = str(tmp_path / "b.db")
    assert tradewind("db", "backup", backup).code == 0
    assert "There is a file" in tradewind("db", "backup", backup).err

    (due,) = tradewind("db", "restore", backup, "--yes", "--output", "json").json
    assert due["dag_id"] == "d"
    assert due["open_runs"] == 1
    assert due["due_runs"] > 300
    assert due["first_due"].startswith("2024-01-02")
    assert tradewind("dags", "list", "--output", "json").json[0]["is_paused"] is True

    (due,) = tradewind("db", "restore", backup, "--yes", "--keep-on", "--output", "json").json
    assert tradewind("dags", "list", "--output", "json").json[0]["is_paused"] is False
