"""What a run needs to know of the runs before it, each answered by an index however many runs there were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from tradewind.model.run import RunInfo, RunRow
from tradewind.model.states import RUN_FINAL, RunState, TaskState
from tradewind.store.engine import Store
from tradewind.store.runs import RunRepository
from tradewind.store.tables import dag_run, task_instance
from tradewind.store.tables_backfill import backfill_slot

_STATES = select(task_instance.c.task_id, task_instance.c.state).where(
    task_instance.c.run_pk == bindparam("run_pk")
)
_HAD_TASK = (
    select(task_instance.c.id)
    .join(dag_run, dag_run.c.id == task_instance.c.run_pk)
    .where(
        dag_run.c.dag_id == bindparam("dag_id"),
        dag_run.c.logical_date < bindparam("before"),
        task_instance.c.task_id == bindparam("task_id"),
    )
    .limit(1)
)
_IS_FIRST = (
    select(dag_run.c.id)
    .join(backfill_slot, (backfill_slot.c.backfill_id == dag_run.c.backfill_id))
    .where(
        dag_run.c.id == bindparam("run_pk"),
        backfill_slot.c.number == 1,
        backfill_slot.c.run_pk == dag_run.c.id,
    )
)
_NEWEST_ENDED = (
    select(dag_run.c.id, dag_run.c.logical_date, dag_run.c.state)
    .where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.state.in_(sorted(RUN_FINAL)))
    .order_by(dag_run.c.logical_date.desc(), dag_run.c.id.desc())
    .limit(bindparam("most"))
)


class PastRepository:
    """Looks earlier runs up; nothing here writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = RunRepository(store)

    def previous_of(self, run: RunInfo, *, scheduled: bool) -> RunRow | None:
        """The run before this one by logical date.

        :param scheduled: only one that was scheduled or made by a backfill.
        """
        return self._runs.previous_scheduled(run) if scheduled else self._runs.previous(run)

    def task_states(self, run_pk: int) -> dict[str, tuple[TaskState | None, ...]]:
        """The states of a run's task instances, by task."""
        found: dict[str, tuple[TaskState | None, ...]] = {}
        with self._store.read() as connection:
            for task_id, state in connection.execute(_STATES, {"run_pk": run_pk}):
                found[task_id] = (*found.get(task_id, ()), TaskState(state) if state else None)
        return found

    def had_task(self, dag_id: str, task_id: str, before: datetime) -> bool:
        """Whether any run of the DAG with a logical date before this one has the task."""
        given = {"dag_id": dag_id, "task_id": task_id, "before": before}
        with self._store.read() as connection:
            return connection.execute(_HAD_TASK, given).first() is not None

    def is_first_of_backfill(self, run_pk: int) -> bool:
        """Whether the run is the first one of the backfill that it belongs to."""
        with self._store.read() as connection:
            return connection.execute(_IS_FIRST, {"run_pk": run_pk}).first() is not None

    def newest_ended(self, dag_id: str, most: int) -> list[tuple[int, datetime | None, RunState]]:
        """(pk, logical date, state) of the DAG's runs that ended, newest logical date first."""
        with self._store.read() as connection:
            rows = connection.execute(_NEWEST_ENDED, {"dag_id": dag_id, "most": most})
            return [(pk, date, RunState(state)) for pk, date, state in rows]
