"""The states of runs and of task instances, under the names that Airflow's users know.

A task instance that was not looked at yet has no state: ``None``.
"""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """Where a DAG run stands."""

    QUEUED = "queued"  #: waits for a place among the DAG's active runs
    RUNNING = "running"  #: its tasks are being worked on
    SUCCESS = "success"  #: ended; no leaf failed
    FAILED = "failed"  #: ended; a leaf failed, a time limit was hit or somebody marked it


class TaskState(StrEnum):
    """Where a task instance stands."""

    SCHEDULED = "scheduled"  #: may start as far as its dependencies go; waits for a slot
    QUEUED = "queued"  #: has an attempt that was, or is about to be, handed to an executor
    RUNNING = "running"  #: its attempt has started
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"  #: will not run, since something before it failed
    UP_FOR_RETRY = "up_for_retry"  #: failed, and waits for its next try
    UP_FOR_RESCHEDULE = "up_for_reschedule"  #: a sensor that gave its slot back until its next look
    DEFERRED = "deferred"  #: waits without a slot
    RESTARTING = "restarting"  #: cleared while it ran; its process is being ended
    REMOVED = "removed"  #: no longer in the DAG


class RunType(StrEnum):
    """What made a DAG run."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"
    ASSET_TRIGGERED = "asset_triggered"


class TriggerRule(StrEnum):
    """When a task may start, as a rule over its direct upstream tasks.

    The rules' meaning is the table in :mod:`tradewind.logic.trigger_rules`.
    """

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


RUN_FINAL = frozenset({RunState.SUCCESS, RunState.FAILED})
TASK_FINAL = frozenset(
    {TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED, TaskState.UPSTREAM_FAILED, TaskState.REMOVED}
)
#: states in which an attempt of the task instance is open
TASK_ACTIVE = frozenset({TaskState.QUEUED, TaskState.RUNNING, TaskState.RESTARTING})
