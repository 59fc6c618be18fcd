"""A store of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tradewind.store.engine import Store, open_store
from tradewind.store.tables import to_micros
from tradewind.store.writer import Writer

from .samples import DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "tradewind.db", synchronous="OFF", connect_timeout=2)
    yield opened
    opened.close()


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    made = Writer(store)
    yield made
    made.close()


@pytest.fixture
def new_run(writer: Writer) -> Callable[..., tuple[int, list[int]]]:
    """Commits a run of the DAG ``d``; ``day`` counts from 1 January 2024."""

    def make(
        run_id: str = "r1", tasks: tuple[str, ...] = ("a", "b"), day: int | None = None, **columns: Any
    ) -> tuple[int, list[int]]:
        date = None if day is None else to_micros(DAY + timedelta(days=day))
        row = {
            "dag_id": "d",
            "run_id": run_id,
            "shard": 3,
            "version_id": "v1",
            "run_type": "manual",
            "state": "running",
            "logical_date": date,
            "run_after": to_micros(DAY) if date is None else date,
            "queued_at": to_micros(DAY),
        }
        made = writer.insert_run({**row, **columns}, [{"task_id": task} for task in tasks])
        writer.commit()
        return made

    return make
