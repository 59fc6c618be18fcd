"""What became of a run, as a test looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tradewind.errors import NotFound
from tradewind.model.run import DataInterval, RunRow, TaskInstanceRow
from tradewind.model.states import RunState, TaskState
from tradewind.ports.runtime import RETURN_VALUE, XComQuery
from tradewind.serialization.values import decode
from tradewind.store.xcoms import XComRepository

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """A task instance.

    :param tries: how many times it was tried; 0: not at all.
    :param reason: why it is in its state.
    :param xcoms: all that it left, by key.
    :param log: what all of its tries wrote.
    """

    task_id: str
    map_index: int = -1
    state: TaskState | None
    tries: int
    reason: str
    start_date: datetime | None
    end_date: datetime | None
    xcoms: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    @property
    def result(self) -> Any:
        """What it returned, as those after it see it; ``None`` where it left nothing."""
        return self.xcoms.get(RETURN_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A DAG run. ``tasks`` are by task id, those of a mapped task by ``task_id[map_index]``."""

    dag_id: str
    run_id: str
    state: RunState
    reason: str
    logical_date: datetime | None
    data_interval: DataInterval | None
    start_date: datetime | None
    end_date: datetime | None
    tasks: dict[str, TaskResult]

    @property
    def states(self) -> dict[str, str | None]:
        """The tasks' states: plain text to compare with."""
        return {name: None if one.state is None else one.state.value for name, one in self.tasks.items()}

    @property
    def ok(self) -> bool:
        """Whether the run succeeded."""
        return self.state is RunState.SUCCESS

    def __getitem__(self, task_id: str) -> TaskResult:
        """The task.

        :raises NotFound: naming close matches.
        """
        if task_id not in self.tasks:
            raise NotFound(f"task of the run {self.run_id!r} named", task_id, self.tasks)
        return self.tasks[task_id]

    def __str__(self) -> str:
        """For the message of an assertion that failed: each task, its state and why, and how the logs of failed ones end."""
        lines = [f"{self.dag_id} {self.run_id}: {self.state}: {self.reason}"]
        for name, one in self.tasks.items():
            lines.append(f"  {name}: {one.state}, tries: {one.tries}: {one.reason}")
            if one.state is TaskState.FAILED:
                lines += [f"    | {line}" for line in one.log.splitlines()[-20:]]
        return "\n".join(lines)


def result_of(
    row: RunRow, instances: list[TaskInstanceRow], xcoms: XComRepository, logs: Mapping[int, str]
) -> RunResult:
    """The result, from the store's rows; ``logs`` by the pk of the instance that wrote them."""
    info = row.info
    values = _values(row, xcoms)
    tasks = {}
    for it in instances:
        tasks[it.label] = TaskResult(
            task_id=it.task_id,
            map_index=it.map_index,
            state=it.state,
            tries=it.try_number,
            reason=it.reason,
            start_date=it.start_date,
            end_date=it.end_date,
            xcoms=values.get((it.task_id, it.map_index), {}),
            log=logs.get(it.pk, ""),
        )
    return RunResult(
        dag_id=info.dag_id,
        run_id=info.run_id,
        state=row.state,
        reason=row.reason,
        logical_date=info.logical_date,
        data_interval=info.data_interval,
        start_date=info.start_date,
        end_date=row.end_date,
        tasks=tasks,
    )


def _values(row: RunRow, xcoms: XComRepository) -> dict[tuple[str, int], dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for key in {entry.key for entry in xcoms.of_run(row.pk)}:
        query = XComQuery(dag_id=row.info.dag_id, run_id=row.info.run_id, key=key)
        for one in xcoms.find(query):
            found.setdefault((one.task_id, one.map_index), {})[key] = decode(one.value)
    return found
