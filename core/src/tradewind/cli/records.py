"""Rows of the store as the objects that programs read, under the names of Airflow's REST API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.model.connection import Connection
    from tradewind.model.run import RunRow, TaskInstanceRow
    from tradewind.model.spec import DagSpec, TaskSpec
    from tradewind.store.callbacks import CallbackRow
    from tradewind.store.deadlines import DeadlineRow
    from tradewind.store.human_input import InputRow
    from tradewind.store.rows import AttemptRow, DagRow, ImportErrorRow, PoolRow, TransitionRow, VersionRow

Record = dict[str, Any]
MASK = "***"


def dag_record(row: DagRow, spec: DagSpec | None, schedule: str | None = None) -> Record:
    """A DAG; ``spec`` is that of its current version."""
    return {
        "dag_id": row.dag_id,
        "dag_display_name": (spec.display_name if spec else None) or row.dag_id,
        "is_paused": row.paused,
        "paused_reason": row.paused_reason,
        "is_stale": row.is_stale,
        "fileloc": f"{row.folder}/{row.file}" if row.folder else row.file,
        "relative_fileloc": row.file,
        "description": spec.description if spec else None,
        "timetable_summary": schedule,
        "owners": sorted({task.owner for task in spec.tasks}) if spec else [],
        "tags": list(spec.tags) if spec else [],
        "max_active_runs": spec.max_active_runs if spec else None,
        "max_active_tasks": spec.max_active_tasks if spec else None,
        "max_consecutive_failed_dag_runs": spec.max_consecutive_failed_dag_runs if spec else None,
        "next_dagrun_logical_date": row.next_logical,
        "next_dagrun_run_after": row.next_run_after,
        "last_parsed_time": row.imported_at,
        "last_parse_duration": row.import_seconds,
    }


def version_record(row: VersionRow) -> Record:
    """A version of a DAG."""
    return {
        "id": row.id,
        "dag_id": row.dag_id,
        "version_number": row.number,
        "created_at": row.created_at,
        "spec_hash": row.spec_hash,
        "source_hash": row.source_hash,
    }


def import_error_record(row: ImportErrorRow) -> Record:
    """What could not be imported."""
    return {
        "import_error_id": row.id,
        "filename": f"{row.folder}/{row.file}",
        "line": row.line,
        "message": row.message,
        "timestamp": row.at,
        "stack_trace": row.traceback,
    }


def run_record(row: RunRow) -> Record:
    """A run."""
    info, interval = row.info, row.info.data_interval
    return {
        "dag_id": info.dag_id,
        "run_id": info.run_id,
        "state": row.state,
        "run_type": info.run_type,
        "logical_date": info.logical_date,
        "data_interval_start": interval.start if interval else None,
        "data_interval_end": interval.end if interval else None,
        "run_after": info.run_after,
        "queued_at": row.queued_at,
        "start_date": info.start_date,
        "end_date": row.end_date,
        "duration": duration(info.start_date, row.end_date),
        "conf": info.conf,
        "note": info.note,
        "reason": row.reason,
    }


def task_instance_record(run: RunRow, row: TaskInstanceRow, task: TaskSpec | None = None) -> Record:
    """A task instance; ``task`` is its task in the run's version."""
    return {
        "dag_id": run.info.dag_id,
        "run_id": run.info.run_id,
        "task_id": row.task_id,
        "map_index": row.map_index,
        "rendered_map_index": row.name,
        "state": row.state,
        "try_number": row.try_number,
        "max_tries": row.max_tries,
        "logical_date": run.info.logical_date,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "duration": duration(row.start_date, row.end_date),
        "due_at": row.due_at,
        "operator": task.operator if task else None,
        "pool": task.pool if task else None,
        "pool_slots": task.pool_slots if task else None,
        "priority_weight": task.priority_weight if task else None,
        "queue": task.queue if task else None,
        "note": row.note,
        "reason": row.reason,
    }


def task_record(task: TaskSpec, dag_id: str) -> Record:
    """A task as its DAG's file has it."""
    return {
        "dag_id": dag_id,
        "task_id": task.task_id,
        "task_display_name": task.display_name or task.task_id,
        "operator_name": task.operator,
        "trigger_rule": task.trigger_rule,
        "downstream_task_ids": list(task.downstream),
        "owner": task.owner,
        "retries": task.retries,
        "retry_delay": task.retry_delay,
        "execution_timeout": task.execution_timeout,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority_weight": task.priority_weight,
        "queue": task.queue,
        "depends_on_past": task.depends_on_past,
    }


def attempt_record(row: AttemptRow) -> Record:
    """An attempt of a task instance."""
    return {
        "attempt_id": row.id,
        "try_number": row.try_number,
        "executor": row.executor,
        "outcome": row.outcome,
        "start_date": row.started_at,
        "end_date": row.ended_at,
        "hostname": row.host,
        "pid": row.pid,
        "reason": row.reason,
    }


def callback_record(row: CallbackRow) -> Record:
    """An attempt at calling callbacks. Its state is that of the calls, not of the task."""
    attempt = row.attempt
    if attempt.outcome is None:
        state = "queued" if attempt.started_at is None else "running"
    else:
        state = "success" if attempt.outcome == "succeeded" else attempt.outcome
    return {
        "attempt_id": attempt.id,
        "dag_id": row.dag_id,
        "run_id": row.run_id,
        "task_id": None if row.request.of_run else row.request.task_id,
        "map_index": row.request.map_index,
        "try_number": row.request.try_number,
        "callback": ", ".join(row.request.names),
        "state": state,
        "delivery": attempt.physical_no,
        "requested_at": attempt.issued_at,
        "start_date": attempt.started_at,
        "end_date": attempt.ended_at,
        "reason": attempt.reason,
        "called_for": row.request.reason,
    }


def deadline_record(row: DeadlineRow) -> Record:
    """By when a run is to succeed. Its state is ``waiting``, ``met`` or ``missed``."""
    return {
        "dag_id": row.dag_id,
        "run_id": row.run_id,
        "number": row.number,
        "name": row.name,
        "deadline_time": row.due_at,
        "state": "waiting" if row.missed is None else "missed" if row.missed else "met",
        "closed_at": row.closed_at,
    }


def input_record(row: InputRow) -> Record:
    """What a task asks a person for. Its state is ``waiting``, ``answered``, ``timed_out`` or ``withdrawn``."""
    request, answer = row.request, row.answer
    state = "waiting" if row.open else "withdrawn"
    if answer is not None:
        state = "answered" if answer.by else "timed_out"
    return {
        "dag_id": row.dag_id,
        "run_id": row.run_id,
        "task_id": row.task_id,
        "map_index": row.map_index,
        "subject": request.subject,
        "body": request.body,
        "options": list(request.options),
        "defaults": None if request.defaults is None else list(request.defaults),
        "multiple": request.multiple,
        "params": {
            name: {"value": one.default, "schema": one.schema, "description": one.description}
            for name, one in request.params.items()
        },
        "assigned_users": list(request.assigned_users),
        "state": state,
        "asked_at": row.asked_at,
        "due_at": row.due_at,
        "chosen_options": None if answer is None else list(answer.chosen_options),
        "params_input": None if answer is None else answer.params_input,
        "responded_by": answer.by or None if answer is not None else None,
        "responded_at": answer.at if answer is not None else None,
    }


def transition_record(row: TransitionRow) -> Record:
    """A change of state, and why."""
    return {
        "timestamp": row.at,
        "task_id": row.task_id,
        "map_index": row.map_index,
        "old_state": row.old,
        "new_state": row.new,
        "reason": row.reason,
        "cause": row.cause,
    }


def connection_record(connection: Connection, *, secrets: bool) -> Record:
    """A connection; what is secret in it is masked unless ``secrets``."""
    return {
        "connection_id": connection.conn_id,
        "conn_type": connection.conn_type,
        "host": connection.host,
        "port": connection.port,
        "login": connection.login,
        "password": connection.password if secrets or connection.password is None else MASK,
        "schema": connection.schema,
        "extra": connection.extra if secrets else _masked_extra(connection),
        "description": connection.description,
    }


def pool_record(row: PoolRow, used: dict[str, int]) -> Record:
    """A pool, with how many of its slots are in use by state."""
    deferred = used.get("deferred", 0)
    occupied = used.get("queued", 0) + used.get("running", 0) + (deferred if row.include_deferred else 0)
    return {
        "name": row.name,
        "slots": row.slots,
        "occupied_slots": occupied,
        "running_slots": used.get("running", 0),
        "queued_slots": used.get("queued", 0),
        "scheduled_slots": used.get("scheduled", 0),
        "deferred_slots": deferred,
        "open_slots": None if row.slots < 0 else max(0, row.slots - occupied),
        "include_deferred": row.include_deferred,
        "description": row.description,
    }


def duration(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from start to end."""
    return None if start is None or end is None else (end - start).total_seconds()


def _masked_extra(connection: Connection) -> str | None:
    """``extra`` with the values masked whose names, at whatever depth, sound like secrets."""
    if not connection.extra:
        return connection.extra
    import json

    from tradewind.runner.secrets import is_secret_name

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: MASK if is_secret_name(key) else masked(inner) for key, inner in value.items()}
        return [masked(inner) for inner in value] if isinstance(value, list) else value

    extra = connection.extra_dejson
    return json.dumps(masked(extra)) if extra else MASK
