"""DAG runs and their task instances, read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select

from tradewind.errors import NotFound
from tradewind.model.run import DataInterval, RunInfo, RunRow, TaskInstanceRow
from tradewind.model.states import RUN_FINAL, RunState, RunType, TaskState
from tradewind.store.engine import Store
from tradewind.store.rows import LoadedRun, QueuedRow
from tradewind.store.tables import dag_run, task_instance

#: named one by one, so that the index over states finds them among any number of runs that ended
_OPEN = tuple(state.value for state in RunState if state not in RUN_FINAL)
_RUN = select(dag_run)
_TASK_INSTANCE = select(
    task_instance.c.id,
    task_instance.c.run_pk,
    task_instance.c.task_id,
    task_instance.c.map_index,
    task_instance.c.state,
    task_instance.c.try_number,
    task_instance.c.max_tries,
    task_instance.c.attempt_id,
    task_instance.c.due_at,
    task_instance.c.start_date,
    task_instance.c.end_date,
    task_instance.c.reason,
    task_instance.c.branch,
    task_instance.c.note,
    task_instance.c.name,
).order_by(task_instance.c.id)
_OF_PK = _RUN.where(dag_run.c.id == bindparam("pk"))
_INSTANCES_OF = _TASK_INSTANCE.where(task_instance.c.run_pk == bindparam("pk"))
_NAMED = _RUN.where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))
_QUEUED = (
    select(dag_run.c.id.label("pk"), dag_run.c.dag_id, dag_run.c.even_if_paused, dag_run.c.backfill_id)
    .where(dag_run.c.state == RunState.QUEUED.value)
    .order_by(dag_run.c.id)
)
_CHUNK = 500  # parameters of one IN
_Item = TypeVar("_Item")


class RunRepository:
    """Looks runs up; nothing here writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_runs(
        self, shards: Collection[int] | None = None, *, running_only: bool = False
    ) -> list[LoadedRun]:
        """All runs that have not ended, with their task instances, in the order in which they were made.

        :param shards: of these shards alone.
        :param running_only: leave out those that are queued.
        """
        query = _RUN.where(dag_run.c.state.in_(_OPEN)).order_by(dag_run.c.id)
        if shards is not None:
            query = query.where(dag_run.c.shard.in_(sorted(shards)))
        if running_only:
            query = query.where(dag_run.c.state == RunState.RUNNING.value)
        with self._store.read() as connection:
            return _with_task_instances(connection, [run_of(row) for row in connection.execute(query)])

    def queued_runs(self) -> list[QueuedRow]:
        """All runs that are queued, in the order in which they were made."""
        with self._store.read() as connection:
            return [QueuedRow(**row) for row in connection.execute(_QUEUED).mappings()]

    def load(self, run_pks: Iterable[int]) -> list[LoadedRun]:
        """These runs with their task instances, in the order of their pks; what is gone is left out."""
        with self._store.read() as connection:
            return _with_task_instances(connection, _of_pks(connection, run_pks))

    def load_one(self, pk: int) -> LoadedRun | None:
        """The run with its task instances, ``None`` where it is gone: what starts a run that waited."""
        with self._store.read() as connection:
            row = connection.execute(_OF_PK, {"pk": pk}).one_or_none()
            if row is None:
                return None
            instances = connection.execute(_INSTANCES_OF, {"pk": pk})
            return LoadedRun(
                run=run_of(row), task_instances=tuple(task_instance_of(one) for one in instances)
            )

    def rows(self, run_pks: Iterable[int]) -> list[RunRow]:
        """These runs alone, in the order of their pks; what is gone is left out."""
        with self._store.read() as connection:
            return _of_pks(connection, run_pks)

    def look_up(self, dag_id: str, run_id: str) -> RunRow | None:
        """The run, or ``None`` where there is none."""
        with self._store.read() as connection:
            row = connection.execute(_NAMED, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
        return None if row is None else run_of(row)

    def get(self, dag_id: str, run_id: str) -> RunRow:
        """The run.

        :raises NotFound: naming close matches.
        """
        found = self.look_up(dag_id, run_id)
        if found is not None:
            return found
        newest = select(dag_run.c.run_id).where(dag_run.c.dag_id == dag_id)
        with self._store.read() as connection:
            known = connection.scalars(newest.order_by(dag_run.c.run_after.desc()).limit(100)).all()
        raise NotFound(
            f"run of the DAG {dag_id!r} with the id",
            run_id,
            known,
            cure=f"`tradewind runs list --dag-id {dag_id}` lists them.",
        )

    def by_pk(self, pk: int) -> RunRow | None:
        """The run of this pk."""
        with self._store.read() as connection:
            row = connection.execute(_OF_PK, {"pk": pk}).one_or_none()
        return None if row is None else run_of(row)

    def find(
        self,
        dag_id: str | None = None,
        *,
        states: Collection[RunState] = (),
        run_types: Collection[RunType] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = 100,
        offset: int = 0,
        newest_first: bool = True,
    ) -> list[RunRow]:
        """Runs by the moment from which they may start (``run_after``).

        :param states: in one of these states; empty: in any.
        :param since: logical date (where there is none, ``run_after``) not before this one.
        :param until: likewise, not after this one.
        """
        date = func.coalesce(dag_run.c.logical_date, dag_run.c.run_after)
        query = _filtered(_RUN, dag_id, states, run_types)
        if since is not None:
            query = query.where(date >= since)
        if until is not None:
            query = query.where(date <= until)
        order = (dag_run.c.run_after, dag_run.c.id)
        query = query.order_by(*(column.desc() if newest_first else column.asc() for column in order))
        with self._store.read() as connection:
            return [run_of(row) for row in connection.execute(query.limit(limit).offset(offset))]

    def newest_scheduled(self, dag_id: str, by: datetime) -> DataInterval | None:
        """What the DAG's newest scheduled run is about, of those whose data interval had ended by then."""
        columns = dag_run.c
        query = (
            select(columns.data_interval_start, columns.data_interval_end)
            .where(
                columns.dag_id == dag_id,
                columns.run_type == RunType.SCHEDULED,
                columns.data_interval_end <= by,
            )
            .order_by(columns.data_interval_end.desc(), columns.data_interval_start.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            found = connection.execute(query).one_or_none()
        return None if found is None else DataInterval(*found)

    def count(
        self,
        dag_id: str | None = None,
        *,
        states: Collection[RunState] = (),
        run_types: Collection[RunType] = (),
    ) -> int:
        """How many runs there are."""
        query = _filtered(select(func.count()).select_from(dag_run), dag_id, states, run_types)
        with self._store.read() as connection:
            number: int = connection.execute(query).scalar_one()
        return number

    def open_counts(self, dag_ids: Collection[str] | None = None) -> dict[str, dict[RunState, int]]:
        """For each DAG that has runs which have not ended: how many are in which state."""
        query = (
            select(dag_run.c.dag_id, dag_run.c.state, func.count())
            .where(dag_run.c.state.in_(_OPEN))
            .group_by(dag_run.c.dag_id, dag_run.c.state)
        )
        if dag_ids is not None:
            query = query.where(dag_run.c.dag_id.in_(sorted(dag_ids)))
        found: dict[str, dict[RunState, int]] = {}
        with self._store.read() as connection:
            for dag_id, state, number in connection.execute(query):
                found.setdefault(dag_id, {})[RunState(state)] = number
        return found

    def previous(self, run: RunInfo, *, success_only: bool = False) -> RunRow | None:
        """The DAG's run before this one by logical date; a run without a logical date has none before it."""
        if run.logical_date is None:
            return None
        query = _RUN.where(dag_run.c.dag_id == run.dag_id, dag_run.c.logical_date < run.logical_date)
        if success_only:
            query = query.where(dag_run.c.state == RunState.SUCCESS.value)
        query = query.order_by(dag_run.c.logical_date.desc(), dag_run.c.id.desc()).limit(1)
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else run_of(row)

    def average_runtime(self, dag_id: str, max_runs: int, min_runs: int) -> float | None:
        """Seconds that the DAG's newest successful runs took on average.

        :param max_runs: how many of them are looked at.
        :param min_runs: ``None`` where there are fewer.
        """
        query = (
            select(dag_run.c.start_date, dag_run.c.end_date)
            .where(dag_run.c.dag_id == dag_id, dag_run.c.state == RunState.SUCCESS.value)
            .where(dag_run.c.start_date.is_not(None), dag_run.c.end_date.is_not(None))
            .order_by(dag_run.c.id.desc())
            .limit(max_runs)
        )
        with self._store.read() as connection:
            took = [(end - start).total_seconds() for start, end in connection.execute(query)]
        return sum(took) / len(took) if len(took) >= max(1, min_runs) else None

    def previous_scheduled(self, run: RunInfo) -> RunRow | None:
        """The last run before this one by logical date that was scheduled or made by a backfill."""
        if run.logical_date is None:
            return None
        query = (
            _RUN.where(dag_run.c.dag_id == run.dag_id, dag_run.c.scheduled_date < run.logical_date)
            .order_by(dag_run.c.scheduled_date.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else run_of(row)

    def scheduled_dates(self, dag_id: str, since: datetime, until: datetime) -> dict[datetime, RunRow]:
        """The scheduled and backfill runs with a logical date in [since, until], by that date."""
        query = _RUN.where(
            dag_run.c.dag_id == dag_id, dag_run.c.scheduled_date >= since, dag_run.c.scheduled_date <= until
        )
        with self._store.read() as connection:
            runs = [run_of(row) for row in connection.execute(query.order_by(dag_run.c.scheduled_date))]
        return {run.info.logical_date: run for run in runs if run.info.logical_date is not None}

    def of_dates(self, dag_id: str, logical_dates: Collection[datetime]) -> list[RunRow]:
        """The DAG's runs of these logical dates, in the order in which they were made."""
        found: list[RunRow] = []
        with self._store.read() as connection:
            for some in _chunks(sorted(logical_dates)):
                query = _RUN.where(dag_run.c.dag_id == dag_id, dag_run.c.logical_date.in_(some))
                found += [run_of(row) for row in connection.execute(query.order_by(dag_run.c.id))]
        return found

    def task_instances(
        self, run_pk: int, task_id: str | None = None, map_index: int | None = None
    ) -> list[TaskInstanceRow]:
        """The task instances of a run, in the order in which their tasks were made, then of map index."""
        query = _TASK_INSTANCE.where(task_instance.c.run_pk == run_pk)
        if task_id is not None:
            query = query.where(task_instance.c.task_id == task_id)
        if map_index is not None:
            query = query.where(task_instance.c.map_index == map_index)
        with self._store.read() as connection:
            found = [task_instance_of(row) for row in connection.execute(query)]
        place: dict[str, int] = {}
        for it in found:
            place.setdefault(it.task_id, it.pk)
        return sorted(found, key=lambda it: (place[it.task_id], it.map_index))

    def task_states(self, run_pks: Iterable[int]) -> dict[int, dict[TaskState | None, int]]:
        """For each of these runs: how many task instances are in which state."""
        found: dict[int, dict[TaskState | None, int]] = {}
        with self._store.read() as connection:
            for some in _chunks(sorted(run_pks)):
                query = (
                    select(task_instance.c.run_pk, task_instance.c.state, func.count())
                    .where(task_instance.c.run_pk.in_(some))
                    .group_by(task_instance.c.run_pk, task_instance.c.state)
                )
                for run_pk, state, number in connection.execute(query):
                    found.setdefault(run_pk, {})[TaskState(state) if state else None] = number
        return found

    def by_run_ids(self, pairs: Collection[tuple[str, str]]) -> list[RunRow]:
        """The runs that these (dag_id, run_id) name, as far as there are such."""
        found: list[RunRow] = []
        with self._store.read() as connection:
            for some in _chunks(sorted(pairs)):
                wanted: list[ColumnElement[bool]] = [
                    (dag_run.c.dag_id == dag_id) & (dag_run.c.run_id == run_id) for dag_id, run_id in some
                ]
                found += [run_of(row) for row in connection.execute(_RUN.where(or_(*wanted)))]
        return found


def run_of(row: Any) -> RunRow:
    """A row of ``dag_run`` as the model has it."""
    start, end = row.data_interval_start, row.data_interval_end
    return RunRow(
        pk=row.id,
        info=RunInfo(
            dag_id=row.dag_id,
            run_id=row.run_id,
            run_type=RunType(row.run_type),
            logical_date=row.logical_date,
            data_interval=None if start is None or end is None else DataInterval(start, end),
            run_after=row.run_after,
            start_date=row.start_date,
            end_date=row.end_date,
            conf=json.loads(row.conf),
            version_id=row.version_id,
            note=row.note,
        ),
        state=RunState(row.state),
        end_date=row.end_date,
        reason=row.reason,
        queued_at=row.queued_at,
        even_if_paused=row.even_if_paused,
        backfill_id=row.backfill_id,
        stopped_by=row.stopped_by,
    )


def task_instance_of(row: Any) -> TaskInstanceRow:
    """A row of ``task_instance`` as the model has it."""
    return TaskInstanceRow(
        pk=row.id,
        run_pk=row.run_pk,
        task_id=row.task_id,
        map_index=row.map_index,
        state=None if row.state is None else TaskState(row.state),
        try_number=row.try_number,
        max_tries=row.max_tries,
        attempt_id=row.attempt_id,
        due_at=row.due_at,
        start_date=row.start_date,
        end_date=row.end_date,
        reason=row.reason,
        branch=row.branch,
        note=row.note,
        name=row.name,
    )


def _of_pks(connection: Connection, run_pks: Iterable[int]) -> list[RunRow]:
    return [
        run_of(row)
        for some in _chunks(sorted(run_pks))
        for row in connection.execute(_RUN.where(dag_run.c.id.in_(some)).order_by(dag_run.c.id))
    ]


def _with_task_instances(connection: Connection, runs: Sequence[RunRow]) -> list[LoadedRun]:
    found: dict[int, list[TaskInstanceRow]] = {run.pk: [] for run in runs}
    for some in _chunks(list(found)):
        for row in connection.execute(_TASK_INSTANCE.where(task_instance.c.run_pk.in_(some))):
            found[row.run_pk].append(task_instance_of(row))
    return [LoadedRun(run=run, task_instances=tuple(found[run.pk])) for run in runs]


def _filtered(
    query: Select[Any], dag_id: str | None, states: Collection[RunState], run_types: Collection[RunType]
) -> Select[Any]:
    if dag_id is not None:
        query = query.where(dag_run.c.dag_id == dag_id)
    if states:
        query = query.where(dag_run.c.state.in_(sorted(states)))
    if run_types:
        query = query.where(dag_run.c.run_type.in_(sorted(run_types)))
    return query


def _chunks(items: Sequence[_Item]) -> Iterable[Sequence[_Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
