"""Event statistics: every day, the events of that day, and no others, are counted per user.

Each run works on its own data interval and writes its own file, so that it may run again, or late, and change nothing else.
Switched on, the DAG makes the five runs of its past at once (``catchup``).
"""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tradewind import DAG, PythonOperator, Variable


def read_event_api(start: datetime, end: datetime) -> Iterator[dict[str, str]]:
    """Stands in for an event API: what users did from ``start`` up to, and without, ``end``; the same at each call."""
    moment = start
    while moment < end:
        chance = random.Random(moment.isoformat())
        user = chance.choice(["ann", "bob", "cho", "dee"])
        yield {"user": user, "action": chance.choice(["view", "buy"]), "at": moment.isoformat()}
        moment += timedelta(minutes=chance.randrange(5, 60))


def partition(kind: str, day: datetime, ending: str) -> Path:
    """The file of one day."""
    default = Path(tempfile.gettempdir()) / "tradewind-examples"
    folder = Path(Variable.get("example_folder", default=default)) / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{day:%Y-%m-%d}{ending}"


def fetch_events(data_interval_start: datetime, data_interval_end: datetime) -> None:
    events = list(read_event_api(data_interval_start, data_interval_end))
    partition("events", data_interval_start, ".json").write_text(json.dumps(events))
    print(f"{len(events)} events from {data_interval_start} to {data_interval_end}")


def count_events(data_interval_start: datetime) -> dict[str, int]:
    events = json.loads(partition("events", data_interval_start, ".json").read_text())
    counts = Counter(event["user"] for event in events)
    with partition("statistics", data_interval_start, ".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["day", "user", "events"])
        writer.writerows([f"{data_interval_start:%Y-%m-%d}", user, counts[user]] for user in sorted(counts))
    return dict(counts)


with DAG(
    "event_statistics",
    schedule="@daily",
    start_date=datetime(2024, 1, 1),
    end_date=datetime(2024, 1, 5),
    catchup=True,
    tags=["example"],
):
    fetch = PythonOperator(task_id="fetch_events", python_callable=fetch_events)
    count = PythonOperator(task_id="count_events", python_callable=count_events)
    fetch >> count
