"""What a task instance waits for without a slot, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tradewind.model.states import RunState, TaskState

WaitKind = Literal["until", "trigger", "run", "input"]
Verdict = Literal["waits", "success", "failed", "skipped", "missing"]

#: the method that stands for no method: the task goes on only to fail
FAIL = "__fail__"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsAwaited:
    """Runs of another DAG, or tasks of theirs, that somebody waits for.

    :param logical_dates: of the runs; there must be one for each.
    :param run_ids: likewise, by id.
    :param task_ids: wait for these tasks of the runs; with neither these nor ``group_id``, for the runs themselves.
    :param group_id: wait for all tasks of this group.
    :param allowed: the states in which the waiting is over; all that is waited for must be in one of them.
    :param failed: as soon as anything is in one of these, the waiting has failed.
    :param skipped: likewise, who waits is skipped.
    :param check_existence: a DAG, task or group that is not there ends the waiting at once.
    """

    dag_id: str
    logical_dates: tuple[datetime, ...] = ()
    run_ids: tuple[str, ...] = ()
    task_ids: tuple[str, ...] = ()
    group_id: str | None = None
    allowed: tuple[str, ...] = ("success",)
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    check_existence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A run as far as somebody waits for it.

    :param tasks: states of the instances of the tasks that are waited for, by task.
    """

    run_id: str
    logical_date: datetime | None
    state: RunState
    tasks: dict[str, list[TaskState | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResult:
    """How a wait ended.

    :param event: what came, in typed JSON.
    :param error: why nothing can come any more.
    :param timed_out: nothing came in the time that was given.
    """

    event: str | None = None
    error: str | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A try that goes on later.

    :param attempt_id: the attempt that asked for the wait, which is its id too: an event that names another changes nothing.
    :param rounds: how often the try has waited, this time included.
    :param due_at: of ``until``: when it is over; of the others: when it has lasted too long.
    :param payload: what is waited for. ``until``: the ``event``, in typed JSON; ``trigger``: ``class`` and ``kwargs`` (typed
        JSON); ``run``: the fields of a :class:`RunsAwaited`; ``input``: whatever the person is asked.
    :param method: the method in which the task goes on; ``None``: in ``execute``, as a sensor that looks again.
    :param result: how it ended; ``None`` while it lasts. It is kept until the attempt that gets it has ended.
    """

    attempt_id: str
    kind: WaitKind
    rounds: int = 1
    due_at: datetime | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    method_kwargs: str = "{}"  #: typed JSON
    result: WaitResult | None = None
