"""What callbacks were called for, and how their attempts ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from tradewind.model.callbacks import CallbackRequest
from tradewind.store.engine import Store
from tradewind.store.rows import AttemptRow
from tradewind.store.tables import attempt, dag_run
from tradewind.store.tables_callbacks import callback

_NAMES = tuple(AttemptRow.__dataclass_fields__)
_CALLBACK = (
    select(
        *(attempt.c[name] for name in _NAMES),
        callback.c.body,
        dag_run.c.dag_id,
        dag_run.c.run_id.label("run"),
    )
    .join(callback, callback.c.attempt_id == attempt.c.id)
    .join(dag_run, dag_run.c.id == attempt.c.run_pk)
)
_OLDEST_FIRST = (attempt.c.issued_at, attempt.c.physical_no, attempt.c.id)
_NEWEST_FIRST = tuple(column.desc() for column in _OLDEST_FIRST)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRow:
    """An attempt at calling callbacks, and what it was to call."""

    dag_id: str
    run_id: str
    attempt: AttemptRow
    request: CallbackRequest


class CallbackRepository:
    """Looks callbacks up; the scheduler's batch writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self) -> list[CallbackRow]:
        """Those that have not been called to their end, oldest first."""
        return self._found(_CALLBACK.where(attempt.c.open.is_not(None)))

    def find(
        self,
        dag_id: str | None = None,
        run_id: str | None = None,
        task_id: str | None = None,
        *,
        limit: int | None = None,
    ) -> list[CallbackRow]:
        """Callbacks of a DAG, of a run, or of a task of a run, oldest first.

        :param limit: the newest so many.
        """
        query = _CALLBACK
        if dag_id is not None:
            query = query.where(dag_run.c.dag_id == dag_id)
        if run_id is not None:
            query = query.where(dag_run.c.run_id == run_id)
        if task_id is not None:
            query = query.where(callback.c.task_id == task_id)
        return self._found(query, limit)

    def _found(self, query: Select[Any], newest: int | None = None) -> list[CallbackRow]:
        order = _OLDEST_FIRST if newest is None else _NEWEST_FIRST
        query = query.order_by(*order).limit(newest)
        with self._store.read() as connection:
            found = [_row_of(row) for row in connection.execute(query)]
        return found if newest is None else found[::-1]


def row_of(attempt_id: str, run_pk: int, request: CallbackRequest) -> dict[str, Any]:
    """A request as the store keeps it."""
    return {
        "attempt_id": attempt_id,
        "run_pk": run_pk,
        "task_id": None if request.of_run else request.task_id,
        "event": request.event,
        "body": msgspec.json.encode(request).decode(),
    }


def _row_of(row: Row[Any]) -> CallbackRow:
    fields = row._mapping
    return CallbackRow(
        dag_id=fields["dag_id"],
        run_id=fields["run"],
        attempt=AttemptRow(**{name: fields[name] for name in _NAMES}),
        request=msgspec.json.decode(fields["body"], type=CallbackRequest),
    )
