"""What the store hands out beside the model: rows as frozen dataclasses, for people and for the scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradewind.model.commands import Command
from tradewind.model.run import RunRow, TaskInstanceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun:
    """A run with all of its task instances, in the order of their pks."""

    run: RunRow
    task_instances: tuple[TaskInstanceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRow:
    """A run that waits to start, as far as its queue needs to know it."""

    pk: int
    dag_id: str
    even_if_paused: bool
    backfill_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """An attempt at running a task, or at calling callbacks (``ti_pk`` is ``None`` where they are the run's)."""

    id: str
    kind: str
    ti_pk: int | None
    run_pk: int
    shard: int
    try_number: int
    physical_no: int
    executor: str
    issued_at: datetime
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    log_path: str = ""
    host: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRow:
    """A change of state and why it came about; ``ti_pk`` is ``None`` where it is the run's own state."""

    shard: int
    n: int
    run_pk: int
    ti_pk: int | None
    attempt_id: str | None
    old: str | None
    new: str | None
    cause: str
    cause_id: str | None
    reason: str
    at: datetime
    task_id: str | None = None
    map_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRow:
    """A DAG as it stands; definition by the importer, the rest by the scheduler."""

    dag_id: str
    shard: int
    version_id: str | None
    folder: str
    file: str
    is_stale: bool
    paused: bool
    imported_at: datetime | None = None
    import_seconds: float | None = None
    cursor_start: datetime | None = None
    cursor_end: datetime | None = None
    next_logical: datetime | None = None
    next_run_after: datetime | None = None
    paused_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version of a DAG without its spec and files."""

    id: str
    dag_id: str
    number: int
    spec_hash: str
    source_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDag:
    """A DAG as the importer found it.

    :param spec_text: the spec in its canonical text (:func:`tradewind.serialization.specs.encode_spec`).
    :param spec_hash: hex SHA-256 of the spec without what differs from import to import.
    :param source_hash: hex SHA-256 over paths and contents of ``files``.
    :param files: (path relative to the DAG folder, content) of all that it was made from, its own file first.
    :param warnings: (kind, message), replacing those of the last import.
    :param paused_at_creation: whether it is switched off when seen for the first time; ``None``: as the setting says.
    """

    dag_id: str
    spec_text: str
    spec_hash: str
    source_hash: str
    files: tuple[tuple[str, bytes], ...]
    warnings: tuple[tuple[str, str], ...] = ()
    paused_at_creation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblem:
    """Why a file, or a DAG in it, could not be imported. ``file`` is relative to the DAG folder."""

    file: str
    message: str
    line: int | None = None
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportErrorRow:
    """An import error as the store keeps it."""

    id: int
    folder: str
    file: str
    line: int | None
    message: str
    traceback: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRow:
    """A warning about a DAG."""

    dag_id: str
    kind: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command: open while ``applied_at`` is ``None``; refused where ``refused_reason`` is set.

    :param command: ``None`` where this version cannot read it (a newer one sent it): all there is to do is to refuse it.
    """

    id: str
    shard: int
    dag_id: str
    actor: str
    kind: str
    command: Command | None
    at: datetime
    applied_at: datetime | None = None
    result: dict[str, Any] | None = None
    refused_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A fact that came in by the table; ``body`` is the report as it travels."""

    seq: int
    shard: int
    attempt_id: str
    session: str
    n: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWatchRow:
    """A task waits for a run. ``asker`` and ``request`` are JSON, see :mod:`tradewind.model.messages`."""

    attempt_id: str
    dag_id: str
    run_id: str
    asker: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """Something that the scheduler could not work on, put aside."""

    id: int
    run_pk: int | None
    what: str
    traceback: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """A pool and its number of slots."""

    name: str
    slots: int
    description: str | None = None
    include_deferred: bool = False  #: tasks that wait without a process of theirs keep their slots in it


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableRow:
    """A variable; its value may be a secret and is not shown in the ``repr``."""

    key: str
    value: str = field(repr=False)
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A scheduler, or a worker session. ``beat`` grows while it lives."""

    id: str
    kind: str
    host: str
    pid: int
    beat: int
    started_at: datetime
    ended_at: datetime | None = None
    beat_at: datetime | None = None
    capacity: int = 0
    epoch: int = 0
