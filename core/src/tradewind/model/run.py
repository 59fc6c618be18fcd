"""Runs and what identifies a piece of work inside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradewind.model.states import RunState, RunType, TaskState


@dataclass(frozen=True, slots=True)
class DataInterval:
    """The stretch of time whose data a run is about: from ``start`` (included) to ``end`` (excluded); UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A DAG run as its tasks see it."""

    dag_id: str
    run_id: str
    run_type: RunType
    logical_date: datetime | None
    data_interval: DataInterval | None
    run_after: datetime
    start_date: datetime | None = None
    end_date: datetime | None = None  #: known of earlier runs only
    conf: dict[str, Any] = field(default_factory=dict)
    version_id: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A DAG run as the store keeps it; ``pk`` is the store's own number for it."""

    pk: int
    info: RunInfo
    state: RunState
    end_date: datetime | None = None
    reason: str = ""
    queued_at: datetime | None = None
    even_if_paused: bool = False  #: its tasks start although the DAG is switched off
    backfill_id: int | None = None  #: the backfill that made it, or let it go again
    stopped_by: str | None = None  #: why only its teardowns still run, and it ends failed


def instance_label(task_id: str, map_index: int) -> str:
    """How people name a task instance: ``task_id``, or ``task_id[map_index]``."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInstanceRow:
    """A task instance as the store keeps it. ``map_index`` is -1 where the task is not mapped."""

    pk: int
    run_pk: int
    task_id: str
    map_index: int = -1
    state: TaskState | None = None
    try_number: int = 0  #: tries begun so far
    max_tries: int = 0  #: tries beyond the first that are still allowed, counted from the first try ever
    attempt_id: str | None = None
    due_at: datetime | None = None  #: of a retry or a reschedule: when it goes on
    start_date: datetime | None = None
    end_date: datetime | None = None
    reason: str = ""
    name: str | None = None  #: of a mapped instance: what its map_index_template gave
    branch: str | None = None  #: the decision of a branch: JSON {"follow": [...], "scope": ...}
    note: str | None = None  #: what a person wrote about it

    @property
    def label(self) -> str:
        """How people name it."""
        return instance_label(self.task_id, self.map_index)
