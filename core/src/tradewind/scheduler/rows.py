"""From decisions to rows: what a turn changed, as the store writes it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from tradewind.logic.live_run import LiveRun, Transition
from tradewind.model.facts import XCom
from tradewind.model.ids import shard_of
from tradewind.model.run import RunInfo
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunType
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.queue import LiveBackfill
from tradewind.store.batch import Batch, Row
from tradewind.store.tables import to_micros
from tradewind.timetables import PlannedRun


def micros(moment: datetime | None) -> int | None:
    """A moment as the store keeps it."""
    return None if moment is None else to_micros(moment)


def add_transitions(batch: Batch, transitions: list[Transition], last: Counter[int], now: int) -> None:
    """The log of what was decided, and the rows of the runs and instances that it changed."""
    touched: dict[int, LiveRun] = {}
    for it in transitions:
        run = it.run
        touched[run.pk] = run
        shard = shard_of(run.info.dag_id)
        last[shard] += 1
        batch.transitions.append(
            {
                "shard": shard,
                "n": last[shard],
                "run_pk": run.pk,
                "ti_pk": None if it.instance is None else run.pks[it.instance],
                "attempt_id": it.attempt_id,
                "old": it.old,
                "new": it.new,
                "cause": it.cause,
                "cause_id": it.cause_id,
                "reason": it.reason,
                "at": now,
            }
        )
    for run in touched.values():
        if run.run_dirty:
            batch.runs.append(run_row(run))
            run.run_dirty = False
        for number in run.dirty:
            batch.task_instances.append(instance_row(run, number))
        run.dirty.clear()


def run_row(run: LiveRun) -> Row:
    """A run as it stands."""
    return {
        "pk": run.pk,
        "state": run.state,
        "start_date": micros(run.start_date),
        "end_date": micros(run.end_date),
        "version_id": run.info.version_id,
        "reason": run.reason,
        "stopped_by": run.stopped_by,
    }


def instance_row(run: LiveRun, number: int) -> Row:
    """A task instance as it stands."""
    branch = run.branches.get(number)
    return {
        "pk": run.pks[number],
        "state": run.states[number],
        "try_number": run.try_numbers[number],
        "max_tries": run.max_tries[number],
        "attempt_id": run.attempt_id[number],
        "due_at": micros(run.due_at[number]),
        "start_date": micros(run.start_dates[number]),
        "end_date": micros(run.end_dates[number]),
        "branch": json.dumps({"follow": branch.follow, "scope": branch.scope}) if branch else None,
        "reason": run.reasons[number],
    }


def new_run_row(info: RunInfo, now: datetime, *, even_if_paused: bool) -> Row:
    """A run that has just been made."""
    interval = info.data_interval
    once = info.run_type in (RunType.SCHEDULED, RunType.BACKFILL)
    return {
        "dag_id": info.dag_id,
        "run_id": info.run_id,
        "shard": shard_of(info.dag_id),
        "version_id": info.version_id,
        "run_type": info.run_type,
        "state": "queued",
        "logical_date": micros(info.logical_date),
        "scheduled_date": micros(info.logical_date) if once else None,
        "data_interval_start": micros(interval.start if interval else None),
        "data_interval_end": micros(interval.end if interval else None),
        "run_after": micros(info.run_after),
        "queued_at": micros(now),
        "even_if_paused": even_if_paused,
        "conf": msgspec.json.encode(info.conf).decode(),
        "note": info.note,
    }


def new_instance_rows(spec: DagSpec) -> list[Row]:
    """The task instances of a new run, in the order of the DAG's tasks."""
    return [new_instance_row(task) for task in spec.tasks]


def new_instance_row(task: TaskSpec) -> Row:
    """The instance of a task that was not looked at yet."""
    return {
        "task_id": task.task_id,
        "max_tries": task.retries,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority": task.priority_weight,
    }


def expanded_rows(run: LiveRun, numbers: list[int]) -> list[Row]:
    """New instances of mapped tasks, as they stand."""
    rows = []
    for number in numbers:
        task = run.task(number)
        rows.append(
            {
                "task_id": task.task_id,
                "map_index": run.map_index(number),
                "pool": task.pool,
                "pool_slots": task.pool_slots,
                "priority": task.priority_weight,
                **instance_row(run, number),
            }
        )
        del rows[-1]["pk"]
    return rows


def xcom_row(run: LiveRun, number: int, xcom: XCom, attempt_id: str, now: int) -> Row:
    """A value that an attempt left."""
    return {
        "run_pk": run.pk,
        "task_id": run.task(number).task_id,
        "map_index": run.map_index(number),
        "key": xcom.key,
        "value": xcom.value,
        "backend": xcom.backend,
        "size": xcom.size,
        "length": xcom.length,
        "attempt_id": attempt_id,
        "at": now,
    }


def dag_row(dag: LiveDag) -> Row:
    """The scheduler's columns of a DAG."""
    cursor, planned = dag.cursor, dag.planned
    return {
        "dag_id": dag.dag_id,
        "paused": dag.paused,
        "paused_reason": dag.paused_reason,
        "cursor_start": micros(cursor.start if cursor else None),
        "cursor_end": micros(cursor.end if cursor else None),
        "next_logical": micros(planned.logical_date if planned else None),
        "next_run_after": micros(planned.run_after if planned else None),
    }


def backfill_row(backfill: LiveBackfill, completed_at: int | None = None) -> Row:
    """The columns of a backfill that change."""
    return {
        "id": backfill.id,
        "is_paused": backfill.paused,
        "planned": backfill.planned,
        "planned_at": micros(backfill.planned_at),
        "made": backfill.made,
        "cancelled_at": micros(backfill.cancelled_at),
        "completed_at": completed_at,
        "open": True if completed_at is None else None,
    }


def slot_row(backfill_id: int, number: int, planned: PlannedRun) -> Row:
    """A slot of a backfill that has just been put down."""
    return {
        "backfill_id": backfill_id,
        "number": number,
        "logical_date": to_micros(planned.logical_date),
        "data_interval_start": to_micros(planned.interval.start),
        "data_interval_end": to_micros(planned.interval.end),
        "run_after": to_micros(planned.run_after),
    }


def ended_attempt_row(attempt_id: str, now: int, outcome: str, reason: str, **known: Any) -> Row:
    """The end of an attempt; ``known``: started_at, host, pid."""
    base: Row = {"started_at": None, "host": None, "pid": None}
    return {**base, **known, "id": attempt_id, "ended_at": now, "outcome": outcome, "reason": reason or None}


def log_path(run: LiveRun, number: int) -> str:
    """Where the log of the instance's present try is, below the log folder."""
    index = run.map_index(number)
    folder = run.task(number).task_id if index < 0 else f"{run.task(number).task_id}/map_index={index}"
    return f"{run.info.dag_id}/{run.info.run_id}/{folder}/{run.try_numbers[number]}.log"
