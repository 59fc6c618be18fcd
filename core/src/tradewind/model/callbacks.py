"""What callbacks are called for: written with the change of state that asks for them, and handed to an agent afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequest:
    """Call callbacks of a task instance, or of a run.

    :param names: attributes of the task (of the DAG, where ``of_run``) whose callbacks are called, in this order;
        ``email_on_failure`` and ``email_on_retry`` send the task's e-mail, ``deadline`` calls that of a deadline alert.
    :param of_run: the run's own callbacks. ``task_id`` is then the task instance that callbacks see as ``ti``; empty
        where the run has none.
    :param state: of the task instance (of the run, where ``of_run``), as the callbacks see it.
    :param reason: one line for people; of a run ``success``, ``task_failure`` or ``timed_out``.
    :param exceptions: class names along the MRO of the exception that a task raised, nearest first.
    :param deadline: number of the DAG's deadline alert that was missed.
    :param deadline_at: when that alert was due.
    """

    names: tuple[str, ...]
    of_run: bool = False
    task_id: str = ""
    map_index: int = -1
    try_number: int = 0
    max_tries: int = 0
    state: str = ""
    reason: str = ""
    exceptions: tuple[str, ...] = ()
    start_date: datetime | None = None
    end_date: datetime | None = None
    run_state: str = "running"
    run_end_date: datetime | None = None
    deadline: int | None = None
    deadline_at: datetime | None = None

    @property
    def event(self) -> str:
        """What to call it: the first of its callbacks."""
        return self.names[0]
