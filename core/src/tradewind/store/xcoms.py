"""XComs, read; the scheduler alone writes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from tradewind.ports.runtime import FoundXCom, XComQuery
from tradewind.store.engine import Store
from tradewind.store.tables import dag_run, xcom


@dataclass(frozen=True, slots=True, kw_only=True)
class XComEntry:
    """That there is an XCom, without its value."""

    task_id: str
    map_index: int
    key: str
    backend: str | None
    size: int
    length: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SpilledXCom:
    """An XCom whose value a backend holds."""

    run_pk: int
    task_id: str
    map_index: int
    key: str
    backend: str
    reference: bytes


class XComRepository:
    """Looks XComs up."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, query: XComQuery) -> list[FoundXCom]:
        """What the query asks for: in the order of its task ids, then of map index.

        With prior dates: from the newest run, up to the query's own by logical date, that has any of it.
        """
        with self._store.read() as connection:
            run = connection.execute(
                select(dag_run.c.id, dag_run.c.logical_date).where(
                    dag_run.c.dag_id == query.dag_id, dag_run.c.run_id == query.run_id
                )
            ).one_or_none()
            if run is None:
                return []
            found = _find_in(connection, query, run.id)
            if found or not query.include_prior_dates or run.logical_date is None:
                return found
            earlier = connection.execute(
                _asked_for(select(xcom.c.run_pk), query)
                .join(dag_run, dag_run.c.id == xcom.c.run_pk)
                .where(dag_run.c.dag_id == query.dag_id, dag_run.c.logical_date < run.logical_date)
                .order_by(dag_run.c.logical_date.desc(), dag_run.c.id.desc())
                .limit(1)
            ).scalar()
            return [] if earlier is None else _find_in(connection, query, earlier)

    def count(self, query: XComQuery) -> int:
        """How many there are in the query's own run."""
        counted = (
            _asked_for(select(func.count()).select_from(xcom), query)
            .join(dag_run, dag_run.c.id == xcom.c.run_pk)
            .where(dag_run.c.dag_id == query.dag_id, dag_run.c.run_id == query.run_id)
        )
        with self._store.read() as connection:
            number: int = connection.execute(counted).scalar_one()
        return number

    def lengths(self, run_pk: int, task_ids: Iterable[str], key: str) -> list[tuple[str, int, int | None]]:
        """``(task id, map index, length)`` of what these tasks left under ``key``."""
        query = select(xcom.c.task_id, xcom.c.map_index, xcom.c.length).where(
            xcom.c.run_pk == run_pk, xcom.c.task_id.in_(sorted(task_ids)), xcom.c.key == key
        )
        with self._store.read() as connection:
            return [(row.task_id, row.map_index, row.length) for row in connection.execute(query)]

    def of_run(
        self, run_pk: int, task_id: str | None = None, map_index: int | None = None
    ) -> list[XComEntry]:
        """Which XComs a run (or one of its tasks) has left."""
        query = (
            select(*(xcom.c[name] for name in XComEntry.__dataclass_fields__))
            .where(xcom.c.run_pk == run_pk)
            .order_by(xcom.c.task_id, xcom.c.map_index, xcom.c.key)
        )
        if task_id is not None:
            query = query.where(xcom.c.task_id == task_id)
        if map_index is not None:
            query = query.where(xcom.c.map_index == map_index)
        with self._store.read() as connection:
            return [XComEntry(**row) for row in connection.execute(query).mappings()]

    def spilled(self, run_pks: Iterable[int]) -> list[SpilledXCom]:
        """Those of these runs whose values a backend holds, so that it can be told to forget them."""
        query = select(
            xcom.c.run_pk, xcom.c.task_id, xcom.c.map_index, xcom.c.key, xcom.c.backend, xcom.c.value
        ).where(xcom.c.run_pk.in_(list(run_pks)), xcom.c.backend.is_not(None))
        with self._store.read() as connection:
            return [
                SpilledXCom(
                    run_pk=row.run_pk,
                    task_id=row.task_id,
                    map_index=row.map_index,
                    key=row.key,
                    backend=row.backend,
                    reference=bytes(row.value),
                )
                for row in connection.execute(query)
            ]


def _asked_for(statement: Select[Any], query: XComQuery) -> Select[Any]:
    statement = statement.where(xcom.c.key == query.key)
    if query.task_ids is not None:
        statement = statement.where(xcom.c.task_id.in_(query.task_ids))
    if query.map_indexes is not None:
        statement = statement.where(xcom.c.map_index.in_(query.map_indexes))
    return statement


def _find_in(connection: Connection, query: XComQuery, run_pk: int) -> list[FoundXCom]:
    statement = select(xcom.c.task_id, xcom.c.map_index, xcom.c.value, xcom.c.backend)
    ordered = _asked_for(statement, query).where(xcom.c.run_pk == run_pk)
    ordered = ordered.order_by(xcom.c.task_id, xcom.c.map_index)
    if query.limit is not None:
        ordered = ordered.offset(query.skip).limit(query.limit)
    rows = connection.execute(ordered)
    found = [
        FoundXCom(task_id=row.task_id, map_index=row.map_index, value=bytes(row.value), backend=row.backend)
        for row in rows
    ]
    if query.task_ids is not None:
        place = {task_id: number for number, task_id in reversed(list(enumerate(query.task_ids)))}
        found.sort(key=lambda one: (place[one.task_id], one.map_index))
    return found
