"""Backfills with real processes: a scheduler that is killed while it makes one, and the command line from end to end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from house import House

from tradewind.model.commands import CreateBackfill
from tradewind.model.states import RunState
from tradewind.scheduler.scheduler import POINTS

pytestmark = pytest.mark.integration

START = datetime(2022, 1, 1, tzinfo=UTC)

HOURLY = """
from datetime import datetime
from tradewind import DAG, EmptyOperator

with DAG("hourly", schedule="@hourly", start_date=datetime(2022, 1, 1)):
    EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
"""

DAILY = """
from datetime import datetime
from tradewind import DAG, task

with DAG("daily", schedule="@daily", start_date=datetime(2024, 1, 1)):

    @task
    def load(ds):
        with open({target!r}, "a") as target:
            target.write(ds + "\\n")

    load()
"""


@pytest.mark.parametrize(
    ("point", "count", "hours"),
    [*((point, 9, 600) for point in POINTS), ("written", 150, 10_000)],
)
def test_a_scheduler_killed_while_it_makes_runs_leaves_no_gap_and_makes_none_twice(
    house: House, point: str, count: int, hours: int
) -> None:
    house.write("hourly.py", HOURLY)
    house.import_dags()
    house.system.command(
        CreateBackfill(
            dag_id="hourly", from_date=START, to_date=START + timedelta(hours=hours - 1), max_active_runs=50
        )
    )
    script = [sys.executable, str(Path(__file__).with_name("dying_scheduler.py")), str(house.home)]
    died = subprocess.run([*script, point, str(count)], env=house.environ, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    before = house.system.runs.count("hourly")
    assert before < hours, "it was not killed on the way"

    with subprocess.Popen([*script, point, "0"], env=house.environ) as again:
        try:
            house.until(lambda: house.system.backfills.get(1).completed_at, 90)
        finally:
            again.send_signal(signal.SIGTERM)
            assert again.wait(20) == 0

    found = house.system.runs.find("hourly", limit=None, newest_first=False)
    assert [run.info.logical_date for run in found] == [START + timedelta(hours=n) for n in range(hours)]
    assert {run.state for run in found} == {RunState.SUCCESS}
    slots = house.system.backfills.slots(1)
    assert [slot.run_pk for slot in slots] == [run.pk for run in found]


def test_a_backfill_from_the_command_line(house: House, tmp_path: Path) -> None:
    target = tmp_path / "loaded"
    house.write("daily.py", DAILY.format(target=str(target)))
    house.up()
    house.until(lambda: house.has_dag("daily"))
    dates = ("--dag-id", "daily", "--from-date", "2024-01-01", "--to-date", "2024-01-05", "--output", "json")

    dry = house.tradewind("backfill", "create", *dates, "--dry-run", "--run-backwards")
    assert json.loads(dry.stdout)["created"] == 5
    assert house.system.runs.count("daily") == 0

    made = house.tradewind("backfill", "create", *dates, "--max-active-runs", "1", "--run-backwards")
    number = json.loads(made.stdout)["id"]
    house.until(lambda: house.system.backfills.get(number).completed_at)

    assert target.read_text().split() == [f"2024-01-0{day}" for day in (5, 4, 3, 2, 1)]
    shown = json.loads(house.tradewind("backfill", "show", str(number), "--output", "json").stdout)
    assert (shown["state"], shown["success"], shown["total"]) == ("completed", 5, 5)
