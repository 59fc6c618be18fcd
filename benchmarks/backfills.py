"""A year of a daily DAG, backfilled by a system that is up: from the command to the end of its last run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import dag_files
from benchmarks.figures import Figure, Options, median
from benchmarks.installation import Installation
from tradewind.model.commands import CreateBackfill

DAYS, TASKS = 365, 3


def measure(options: Options) -> Iterator[Figure]:
    """Seconds for the whole backfill, each task in a process of its own."""
    start = datetime(2023, 1, 1, tzinfo=UTC)
    with (
        tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder,
        Installation(Path(folder) / "home") as installation,
    ):
        seconds = []
        for sample in range(options.samples(3)):
            dag_id = f"daily{sample}"
            installation.write(dag_id, dag_files.daily(TASKS, dag_id=dag_id))
            installation.wait_for(lambda name=dag_id: installation.knows(name), f"DAG {dag_id}")
            command = CreateBackfill(
                dag_id=dag_id,
                from_date=start,
                to_date=start + timedelta(days=DAYS - 1),
                max_active_runs=16,
            )
            number = installation.system.command(command)["id"]
            seconds.append(_seconds(installation, number))
    yield Figure(
        what=f"backfill of {DAYS} days of {TASKS} tasks",
        variant="local, tradewind up",
        value=median(seconds),
        unit="s",
        budget=2.0,
        n=len(seconds),
    )


def _seconds(installation: Installation, number: int) -> float:
    """From the creation of the backfill to its end."""
    backfills = installation.system.backfills
    installation.wait_for(lambda: backfills.get(number).completed_at, "end of the backfill")
    row, runs = backfills.get(number), backfills.progress(number).runs
    assert runs == {"success": DAYS}, runs
    assert row.completed_at is not None
    return (row.completed_at - row.created_at).total_seconds()
