"""What tasks ask people for, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select

from tradewind.model.human_input import InputAnswer, InputRequest
from tradewind.store.engine import Store
from tradewind.store.tables import dag_run
from tradewind.store.tables_human_input import human_input

_INPUT = select(human_input, dag_run.c.dag_id, dag_run.c.run_id).join(
    dag_run, dag_run.c.id == human_input.c.run_pk
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """What a task instance asked, and what became of it.

    :param open: whether its task still waits for the answer, or has still to go on with it.
    """

    dag_id: str
    run_id: str
    run_pk: int
    ti_pk: int
    attempt_id: str
    task_id: str
    map_index: int
    request: InputRequest
    asked_at: datetime
    due_at: datetime | None
    open: bool
    answer: InputAnswer | None


class InputRepository:
    """Looks questions up; the scheduler's batch writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(
        self,
        dag_id: str | None = None,
        run_id: str | None = None,
        task_id: str | None = None,
        *,
        open_only: bool = False,
        limit: int | None = None,
    ) -> list[InputRow]:
        """Questions, the newest first."""
        query = _INPUT.order_by(human_input.c.asked_at.desc(), human_input.c.attempt_id.desc()).limit(limit)
        if open_only:
            query = query.where(human_input.c.open.is_not(None))
        if dag_id is not None:
            query = query.where(dag_run.c.dag_id == dag_id)
        if run_id is not None:
            query = query.where(dag_run.c.run_id == run_id)
        if task_id is not None:
            query = query.where(human_input.c.task_id == task_id)
        with self._store.read() as connection:
            return [_row_of(row) for row in connection.execute(query)]


def _row_of(row: Row[Any]) -> InputRow:
    return InputRow(
        dag_id=row.dag_id,
        run_id=row.run_id,
        run_pk=row.run_pk,
        ti_pk=row.ti_pk,
        attempt_id=row.attempt_id,
        task_id=row.task_id,
        map_index=row.map_index,
        request=msgspec.json.decode(row.request, type=InputRequest),
        asked_at=row.asked_at,
        due_at=row.due_at,
        open=row.open is not None,
        answer=msgspec.json.decode(row.answer, type=InputAnswer) if row.answer else None,
    )
