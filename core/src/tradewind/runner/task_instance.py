"""``ti`` and ``dag_run``: the running task instance and its DAG run, as the author's code sees them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from tradewind.errors import DefinitionError
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.model.run import RunInfo
from tradewind.model.states import RunState, TaskState
from tradewind.ports.runtime import RETURN_VALUE, XComQuery
from tradewind.runner.xcoms import XComs

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator

_NOT_GIVEN: Any = object()


class TaskInstanceKey(NamedTuple):
    """What identifies a try of a task."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    map_index: int


class DagRun:
    """``dag_run``: the run that the task belongs to."""

    def __init__(self, info: RunInfo) -> None:
        self._info = info
        self.dag_id: str = info.dag_id
        self.run_id: str = info.run_id
        self.run_type: str = str(info.run_type.value)  # plain text, so that it can be returned and compared
        self.logical_date: datetime | None = info.logical_date
        self.data_interval_start = info.data_interval.start if info.data_interval else None
        self.data_interval_end = info.data_interval.end if info.data_interval else None
        self.run_after: datetime = info.run_after
        self.start_date: datetime | None = info.start_date
        self.end_date: datetime | None = None
        self.conf: dict[str, Any] = info.conf
        self.note: str | None = info.note
        self.state: str = RunState.RUNNING.value

    @property
    def execution_date(self) -> datetime | None:
        """The older name of ``logical_date``."""
        return self.logical_date

    def __repr__(self) -> str:
        return f"<DagRun {self.dag_id} {self.run_id}>"


class TaskInstance:
    """``ti``: the running task instance.

    :param task: the copy of the operator that runs.
    """

    def __init__(
        self, task: BaseOperator, order: Order, xcoms: XComs, start_date: datetime, base_url: str = ""
    ) -> None:
        self.task = task
        self.dag_id: str = order.run.dag_id
        self.task_id: str = order.task_id
        self.run_id: str = order.run.run_id
        self.map_index: int = order.map_index
        self.try_number: int = order.try_number
        self.max_tries: int = order.max_tries
        self.id: str = order.attempt_id
        self.state: str = TaskState.RUNNING.value
        self.start_date: datetime = start_date
        self.end_date: datetime | None = None
        self.queue: str = order.queue
        self.priority_weight: int = order.priority
        self.dag_run = DagRun(order.run)
        self.decided: Outcome | None = None
        self.rendered_map_index: str | None = None  #: what map_index_template made of it
        self.context: MutableMapping[str, Any] | None = None
        self.rounds: int = order.rounds
        self._since = order.since
        self._xcoms = xcoms
        self._base_url = base_url

    @property
    def key(self) -> TaskInstanceKey:
        """What identifies this try."""
        return TaskInstanceKey(self.dag_id, self.task_id, self.run_id, self.try_number, self.map_index)

    @property
    def operator(self) -> str:
        """The name of the operator's class."""
        return self.task.task_type

    @property
    def pool(self) -> str:
        """The pool that its slot is from."""
        return self.task.pool

    @property
    def hostname(self) -> str:
        """The name of this machine."""
        return os.uname().nodename

    @property
    def pid(self) -> int:
        """The process that runs the task."""
        return os.getpid()

    @property
    def logical_date(self) -> datetime | None:
        """That of the run."""
        return self.dag_run.logical_date

    @property
    def execution_date(self) -> datetime | None:
        """The older name of ``logical_date``."""
        return self.dag_run.logical_date

    @property
    def duration(self) -> float | None:
        """Seconds that it ran; ``None`` while it does."""
        return (self.end_date - self.start_date).total_seconds() if self.end_date is not None else None

    @property
    def log(self) -> logging.Logger:
        """Writes to the attempt's log."""
        return logging.getLogger("tradewind.task")

    @property
    def log_url(self) -> str:
        """Where the web page shows the log; empty where no address of the page is set."""
        if not self._base_url:
            return ""
        mapped = f"&map_index={self.map_index}" if self.map_index >= 0 else ""
        return (
            f"{self._base_url.rstrip('/')}/dags/{quote(self.dag_id)}/runs/{quote(self.run_id, safe='')}"
            f"/tasks/{quote(self.task_id)}?try_number={self.try_number}{mapped}"
        )

    def get_first_reschedule_date(self, context: Any = None) -> datetime | None:
        """When the try began, where a sensor looks again in it; ``None`` at its first look."""
        return self._since

    def get_dagrun(self) -> DagRun:
        """The run."""
        return self.dag_run

    def get_template_context(self) -> MutableMapping[str, Any]:
        """The context of the task."""
        assert self.context is not None
        return self.context

    def decide(self, outcome: Outcome) -> None:
        """Let the attempt end with this outcome in place of a plain success, once ``execute`` has returned."""
        self.decided = outcome

    def xcom_push(self, key: str, value: Any) -> None:
        """Leave a value for other tasks; it stays even where this one fails later.

        :raises SerializationError: where the value cannot be kept.
        """
        self._xcoms.push(key, value)

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_VALUE,
        include_prior_dates: bool = False,
        *,
        map_indexes: int | Iterable[int] | None = _NOT_GIVEN,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any:
        """What tasks left under ``key``.

        :param task_ids: one id, for a value; several, for a list in their order, with ``None`` where there is nothing.
            Left out: this task. A mapped task gives the list of what its instances left.
        :param map_indexes: of these instances only: one index for a value, several for a list.
        :param default: stands where an instance named by ``map_indexes`` left nothing.
        """
        single = task_ids is None or isinstance(task_ids, str)
        wanted = (
            (self.task_id,)
            if task_ids is None
            else (task_ids,)
            if isinstance(task_ids, str)
            else tuple(task_ids)
        )
        indexes = _indexes(map_indexes)
        query = XComQuery(
            dag_id=dag_id or self.dag_id,
            run_id=run_id or self.run_id,
            key=key,
            task_ids=wanted,
            map_indexes=indexes,
            include_prior_dates=include_prior_dates,
        )
        found: dict[str, dict[int, Any]] = {}
        for task_id, index, value in self._xcoms.pull(query):
            found.setdefault(task_id, {})[index] = value
        if indexes is not None:
            values = [found.get(t, {}).get(index, default) for t in wanted for index in indexes]
            return values[0] if single and isinstance(map_indexes, int) else values
        return _of_all_instances(wanted, found, single)

    def find_xcom(self, task_id: str, key: str, missing: Any, map_index: int | None = None) -> Any:
        """As ``xcom_pull`` of one task, or one of its instances, but ``missing`` where that left nothing."""
        indexes = None if map_index is None else (map_index,)
        query = XComQuery(
            dag_id=self.dag_id, run_id=self.run_id, key=key, task_ids=(task_id,), map_indexes=indexes
        )
        found = {index: value for _, index, value in self._xcoms.pull(query)}
        if map_index is not None:
            return found.get(map_index, missing)
        return _of_all_instances((task_id,), {task_id: found}, True) if found else missing

    def lazy_xcoms(self, task_id: str, key: str) -> Sequence[Any]:
        """What all instances of a mapped task left, fetched when it is looked at."""
        # Loaded where something is mapped alone: every attempt comes by here.
        from tradewind.runner.lazy import LazyXComs

        query = XComQuery(dag_id=self.dag_id, run_id=self.run_id, key=key, task_ids=(task_id,))
        return LazyXComs(self._xcoms, query)

    def __repr__(self) -> str:
        mapped = f" map_index={self.map_index}" if self.map_index >= 0 else ""
        return f"<TaskInstance: {self.dag_id}.{self.task_id} {self.run_id}{mapped} [{self.state}]>"


def _indexes(given: Any) -> tuple[int, ...] | None:
    if given is _NOT_GIVEN or given is None:
        return None
    if isinstance(given, int):
        return (given,)
    indexes = tuple(given)
    if not all(isinstance(index, int) for index in indexes):
        raise DefinitionError(f"map_indexes of xcom_pull is a number or several, not {given!r}.")
    return indexes


def _of_all_instances(wanted: tuple[str, ...], found: Mapping[str, Mapping[int, Any]], single: bool) -> Any:
    """One value for a task that is not mapped, the list of all values for one that is."""
    if single:
        values = found.get(wanted[0], {})
        return values.get(-1) if len(values) < 2 and set(values) <= {-1} else list(values.values())
    return [value for task_id in wanted for value in (found.get(task_id) or {-1: None}).values()]
