"""What people ask for. A command is applied by the scheduler that owns the DAG, in one transaction with its effects,
and kept as the audit log; its id is made by the sender, so that sending it twice has one effect.

Each class names its ``kind`` in the store; its fields are the command's JSON body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from tradewind.model.backfill import ReprocessBehavior
from tradewind.model.states import RunState, RunType, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRun:
    """Make a run of the DAG now. Result: ``{"run_id": ...}``."""

    kind: ClassVar[str] = "trigger_run"
    dag_id: str
    run_id: str | None = None
    logical_date: datetime | None = None
    run_after: datetime | None = None
    conf: dict[str, Any] = field(default_factory=dict)
    run_type: RunType = RunType.MANUAL
    version_id: str | None = None  #: None: the DAG's current version
    note: str | None = None
    even_if_paused: bool = False  #: start its tasks although the DAG is switched off (``tradewind run``)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPaused:
    """Switch the DAG off or on."""

    kind: ClassVar[str] = "set_paused"
    dag_id: str
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearTasks:
    """Let task instances of a run go again. Result: ``{"cleared": [task ids], "left": {task id: state}}``; what somebody
    else let go again first is left alone.

    :param task_ids: exactly the tasks to clear (whoever asks has added upstream or downstream already); empty: all.
    :param only: clear only those in these states; empty: whatever their state.
    :param seen: the states that whoever asks saw; empty: nobody looked.
    :param run_on_latest_version: the run takes the DAG's newest version; ``task_ids`` are those of that version.
    """

    kind: ClassVar[str] = "clear_tasks"
    dag_id: str
    run_id: str
    task_ids: tuple[str, ...] = ()
    only: tuple[TaskState, ...] = ()
    seen: dict[str, TaskState | None] = field(default_factory=dict)
    run_on_latest_version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkTasks:
    """Set task instances of a run to success, failed or skipped; what runs of them is ended. What failed downstream of them
    goes again. Result: ``{"marked": [task ids], "left": {task id: state}, "cleared": [task ids]}``; what ended by itself
    first is left alone.

    :param seen: the states that whoever asks saw; empty: nobody looked.
    """

    kind: ClassVar[str] = "mark_tasks"
    dag_id: str
    run_id: str
    task_ids: tuple[str, ...]
    state: TaskState
    seen: dict[str, TaskState | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRun:
    """Set a run to success or failed; see :func:`tradewind.logic.clearing.mark_run`.

    :param seen: the state that whoever asks saw: a run that had not ended then, and has since, is left as it ended.
    """

    kind: ClassVar[str] = "mark_run"
    dag_id: str
    run_id: str
    state: RunState
    seen: RunState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNote:
    """Write a note for people on a run, or on a task instance of it; ``None`` takes it away."""

    kind: ClassVar[str] = "set_note"
    dag_id: str
    run_id: str
    note: str | None
    task_id: str | None = None
    map_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRun:
    """Forget a run with all that belongs to it. Refused while it goes on."""

    kind: ClassVar[str] = "delete_run"
    dag_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBackfill:
    """Make runs for past dates of the DAG, in order. Result: ``{"id": ...}``."""

    kind: ClassVar[str] = "create_backfill"
    dag_id: str
    from_date: datetime  #: the first logical date
    to_date: datetime  #: the last
    max_active_runs: int = 10  #: runs of the backfill at once, apart from those of the DAG
    reprocess_behavior: ReprocessBehavior = ReprocessBehavior.NONE
    run_backwards: bool = False  #: the newest date first
    dag_run_conf: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBackfill:
    """Start no further run of a backfill, or go on. Result: ``{"id": ..., "is_paused": ...}``."""

    kind: ClassVar[str] = "pause_backfill"
    dag_id: str
    backfill_id: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBackfill:
    """End a backfill: runs of it that are running go on, those that are queued end as failed. Result: ``{"id": ...}``."""

    kind: ClassVar[str] = "cancel_backfill"
    dag_id: str
    backfill_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """Let a DAG that is held back make up for all runs that are due by now, or only for the newest.

    Result: ``{"logical_date": of the newest, where the others are skipped}``.
    """

    kind: ClassVar[str] = "catch_up"
    dag_id: str
    skip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDag:
    """Forget the DAG with all its runs. Refused while runs are going on."""

    kind: ClassVar[str] = "delete_dag"
    dag_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DagChanged:
    """Sent by the importer: the DAG has a new version, or its file is gone."""

    kind: ClassVar[str] = "dag_changed"
    dag_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolChanged:
    """Sent by whoever changed a pool: take its new number of slots."""

    kind: ClassVar[str] = "pool_changed"
    name: str
    dag_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondInput:
    """Answer a task that waits for a person. Result: ``{"chosen_options": [...], "params_input": {...}}``.

    :param params: the fields of its form.
    """

    kind: ClassVar[str] = "respond_input"
    dag_id: str
    run_id: str
    task_id: str
    options: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)


Command = (
    RespondInput
    | TriggerRun
    | SetPaused
    | ClearTasks
    | MarkTasks
    | MarkRun
    | CreateBackfill
    | PauseBackfill
    | CancelBackfill
    | CatchUp
    | SetNote
    | DeleteRun
    | DeleteDag
    | DagChanged
    | PoolChanged
)

COMMANDS: dict[str, type[Command]] = {
    command.kind: command
    for command in (
        RespondInput,
        TriggerRun,
        SetPaused,
        ClearTasks,
        MarkTasks,
        MarkRun,
        CreateBackfill,
        PauseBackfill,
        CancelBackfill,
        CatchUp,
        SetNote,
        DeleteRun,
        DeleteDag,
        DagChanged,
        PoolChanged,
    )
}
