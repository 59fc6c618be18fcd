"""What a person who watches a run gets to see, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run was made; ``task_ids`` in the order of the DAG's file."""

    dag_id: str
    run_id: str
    task_ids: tuple[str, ...]
    note: str = ""  #: e.g. that another process works on it


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A task instance changed its state."""

    task_id: str
    state: str | None
    try_number: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RunChanged:
    """The run changed its state."""

    state: str
    at: datetime
    reason: str


Progress = RunBegan | TaskChanged | RunChanged
Watcher = Callable[[Progress], None]
