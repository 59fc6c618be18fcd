"""What is handed to an executor: the order to run one attempt, and the files of the DAG version that it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tradewind.model.callbacks import CallbackRequest
from tradewind.model.run import RunInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownXCom:
    """An XCom that was known when the order was written, sent along to spare the attempt a question."""

    task_id: str
    key: str
    map_index: int
    value: bytes
    backend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Run one attempt.

    :param attempt_id: uuid7; the idempotency key everywhere.
    :param kind: ``"task"``: run the task; ``"callback"``: call what ``callback`` names.
    :param log_path: where the attempt's log goes, relative to the log folder.
    :param timeout: seconds of ``execution_timeout``; the agent kills the attempt's process group a little later.
    :param resume: for a task that waited: ``{"method", "kwargs", "event"}``, the last two in typed JSON; the
        method :data:`tradewind.model.waits.FAIL` comes with ``"error"`` and ``"timed_out"``.
    :param since: when the try began, where this attempt goes on with it.
    :param rounds: how often the try has waited before.
    """

    attempt_id: str
    kind: Literal["task", "callback"] = "task"
    version_id: str
    run: RunInfo
    task_id: str
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    log_path: str
    timeout: float | None = None
    at_most_once: bool = False
    queue: str = "default"
    priority: int = 0
    xcoms: tuple[KnownXCom, ...] = ()
    resume: dict[str, Any] | None = None
    since: datetime | None = None
    rounds: int = 0
    callback: CallbackRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionBundle:
    """The files of a DAG version, content included: all that an agent needs to import the DAG.

    :param folder: the DAG folder on the importing machine; names the place in messages, need not exist here.
    :param file: the DAG's own file, relative to the folder.
    :param files: (relative path, content) of every file that belongs to the version.
    """

    version_id: str
    dag_id: str
    folder: str
    file: str
    files: tuple[tuple[str, bytes], ...] = field(default=())
