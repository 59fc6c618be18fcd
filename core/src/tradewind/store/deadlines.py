"""Deadlines of runs, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tradewind.store.engine import Store
from tradewind.store.tables import dag_run
from tradewind.store.tables_callbacks import deadline

_DEADLINE = (
    select(deadline, dag_run.c.dag_id, dag_run.c.run_id)
    .join(dag_run, dag_run.c.id == deadline.c.run_pk)
    .order_by(deadline.c.due_at, deadline.c.run_pk, deadline.c.number)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRow:
    """By when a run is, or was, to succeed.

    :param missed: ``None`` while its time has not come and the run has not succeeded.
    """

    dag_id: str
    run_id: str
    run_pk: int
    number: int
    name: str | None
    due_at: datetime
    missed: bool | None
    closed_at: datetime | None


class DeadlineRepository:
    """Looks deadlines up; the scheduler's batch writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self) -> list[DeadlineRow]:
        """Those that are neither met nor missed."""
        with self._store.read() as connection:
            found = connection.execute(_DEADLINE.where(deadline.c.open.is_not(None)))
            return [_row_of(row._mapping) for row in found]

    def find(
        self, dag_id: str | None = None, run_id: str | None = None, *, limit: int | None = None
    ) -> list[DeadlineRow]:
        """Those of a DAG or run, the earliest first."""
        query = _DEADLINE.limit(limit)
        if dag_id is not None:
            query = query.where(dag_run.c.dag_id == dag_id)
        if run_id is not None:
            query = query.where(dag_run.c.run_id == run_id)
        with self._store.read() as connection:
            return [_row_of(row._mapping) for row in connection.execute(query)]


def _row_of(fields: object) -> DeadlineRow:
    return DeadlineRow(**{name: fields[name] for name in DeadlineRow.__dataclass_fields__})  # type: ignore[index]
