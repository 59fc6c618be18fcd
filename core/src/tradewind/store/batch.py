"""What one turn of the scheduler writes: lists of rows, committed together or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """One transaction (T1). Every row is a dict whose keys are the parameters named beside its list.

    Moments are whole microseconds (:func:`tradewind.store.tables.to_micros`), so that the store converts
    nothing here.
    """

    #: pk, state, start_date, end_date, version_id, reason, stopped_by
    runs: list[Row] = field(default_factory=list)
    #: pk, state, try_number, max_tries, attempt_id, due_at, start_date, end_date, branch, reason
    task_instances: list[Row] = field(default_factory=list)
    #: pk, note
    run_notes: list[Row] = field(default_factory=list)
    #: run_pk, task_id, map_index, note
    task_notes: list[Row] = field(default_factory=list)
    #: pk: of a mapped task as a whole, which becomes its first instance
    expanded: list[Row] = field(default_factory=list)
    #: pk, name
    instance_names: list[Row] = field(default_factory=list)
    #: all columns of ``attempt`` but started_at, revoked_at, ended_at, outcome, reason, host, pid
    new_attempts: list[Row] = field(default_factory=list)
    #: id, claimed_by, claimed_at: attempts that waited for their executor
    claimed_attempts: list[Row] = field(default_factory=list)
    #: all columns of ``callback``
    callbacks: list[Row] = field(default_factory=list)
    #: run_pk, number, name, due_at
    new_deadlines: list[Row] = field(default_factory=list)
    #: run_pk, number, missed, closed_at
    closed_deadlines: list[Row] = field(default_factory=list)
    #: attempt_id, run_pk, ti_pk, task_id, map_index, subject, request, asked_at, due_at
    new_inputs: list[Row] = field(default_factory=list)
    #: attempt_id, answer, answered_by, answered_at
    answered_inputs: list[Row] = field(default_factory=list)
    #: attempt_id
    closed_inputs: list[Row] = field(default_factory=list)
    #: id, started_at, host, pid
    started_attempts: list[Row] = field(default_factory=list)
    #: id, ended_at, outcome, reason, started_at (kept as it is where null), host, pid
    ended_attempts: list[Row] = field(default_factory=list)
    #: all columns of ``xcom``; replaces what is there
    xcoms: list[Row] = field(default_factory=list)
    #: run_pk, task_id, map_index: forget all XComs of the task instance
    deleted_xcoms: list[Row] = field(default_factory=list)
    #: all columns of ``transition``
    transitions: list[Row] = field(default_factory=list)
    #: id, applied_at, result, refused_reason
    commands: list[Row] = field(default_factory=list)
    #: seq
    consumed_facts: list[Row] = field(default_factory=list)
    #: dag_id, paused, paused_reason, cursor_start, cursor_end, next_logical, next_run_after
    dags: list[Row] = field(default_factory=list)
    #: attempt_id
    deleted_waits: list[Row] = field(default_factory=list)
    #: all columns of ``wait``; replaces what is there
    waits: list[Row] = field(default_factory=list)
    #: pk, backfill_id: a backfill lets a run that was there go again
    backfilled_runs: list[Row] = field(default_factory=list)
    #: id, is_paused, planned, planned_at, made, cancelled_at, completed_at, open
    backfills: list[Row] = field(default_factory=list)
    #: all columns of ``backfill_slot`` but result and run_pk
    new_backfill_slots: list[Row] = field(default_factory=list)
    #: backfill_id, number, result, run_pk
    backfill_slots: list[Row] = field(default_factory=list)
    #: run_pk, what, traceback, at
    problems: list[Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)
