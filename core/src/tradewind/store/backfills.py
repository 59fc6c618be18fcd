"""Backfills, looked up; the scheduler writes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from tradewind.errors import NotFound
from tradewind.model.backfill import BackfillRow, ReprocessBehavior, SlotResult, SlotRow
from tradewind.model.run import DataInterval
from tradewind.model.states import RunState
from tradewind.store.engine import Store
from tradewind.store.tables import dag_run
from tradewind.store.tables_backfill import backfill, backfill_slot

_COLUMNS = tuple(BackfillRow.__dataclass_fields__)
_BACKFILL = select(*(backfill.c[name] for name in _COLUMNS))
_OPEN = _BACKFILL.where(backfill.c.open.is_not(None)).order_by(backfill.c.id)
_SLOTS = select(backfill_slot).where(backfill_slot.c.backfill_id == bindparam("backfill_id"))
_SOME = _SLOTS.where(
    backfill_slot.c.number >= bindparam("first"), backfill_slot.c.number <= bindparam("last")
)
_AT_DATES = select(dag_run.c.id, dag_run.c.logical_date, dag_run.c.state, dag_run.c.scheduled_date).where(
    dag_run.c.dag_id == bindparam("dag_id"),
    dag_run.c.logical_date >= bindparam("since"),
    dag_run.c.logical_date <= bindparam("until"),
)
_NAMED = select(dag_run.c.run_id).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id.in_(bindparam("run_ids", expanding=True))
)
_RESULTS = (
    select(backfill_slot.c.result, func.count())
    .where(backfill_slot.c.backfill_id == bindparam("backfill_id"))
    .group_by(backfill_slot.c.result)
)
_STATES = (
    select(dag_run.c.state, func.count())
    .join(backfill_slot, backfill_slot.c.run_pk == dag_run.c.id)
    .where(backfill_slot.c.backfill_id == bindparam("backfill_id"))
    .group_by(dag_run.c.state)
)


@dataclass(frozen=True, slots=True)
class RunAtDate:
    """A run that a DAG has at a date."""

    pk: int
    logical_date: datetime
    state: RunState
    is_scheduled: bool  #: made by the schedule or by a backfill


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far a backfill is: slots by what became of them (``None``: not worked on yet), its runs by state."""

    slots: dict[SlotResult | None, int]
    runs: dict[RunState, int]


class BackfillRepository:
    """Looks backfills and their slots up; nothing here writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self) -> list[BackfillRow]:
        """All that are not completed, oldest first."""
        with self._store.read() as connection:
            return [_backfill_of(row) for row in connection.execute(_OPEN)]

    def find(
        self, dag_id: str | None = None, *, open_only: bool = False, limit: int = 100
    ) -> list[BackfillRow]:
        """Backfills, newest first."""
        query = _BACKFILL.order_by(backfill.c.id.desc()).limit(limit)
        if dag_id is not None:
            query = query.where(backfill.c.dag_id == dag_id)
        if open_only:
            query = query.where(backfill.c.open.is_not(None))
        with self._store.read() as connection:
            return [_backfill_of(row) for row in connection.execute(query)]

    def get(self, backfill_id: int) -> BackfillRow:
        """The backfill.

        :raises NotFound: where there is none.
        """
        with self._store.read() as connection:
            row = connection.execute(_BACKFILL.where(backfill.c.id == backfill_id)).one_or_none()
        if row is None:
            raise NotFound("backfill", str(backfill_id), cure="`tradewind backfill list` lists them.")
        return _backfill_of(row)

    def progress(self, backfill_id: int) -> BackfillProgress:
        """How far the backfill is."""
        given = {"backfill_id": backfill_id}
        with self._store.read() as connection:
            slots = {
                SlotResult(result) if result else None: number
                for result, number in connection.execute(_RESULTS, given)
            }
            runs = {RunState(state): number for state, number in connection.execute(_STATES, given)}
        return BackfillProgress(slots, runs)

    def slots(self, backfill_id: int, numbers: range | None = None) -> list[SlotRow]:
        """The slots of a backfill by logical date, or those of these numbers in their order."""
        if numbers is None:
            query, given = _SLOTS.order_by(backfill_slot.c.number), {"backfill_id": backfill_id}
        elif not numbers:
            return []
        else:
            order = backfill_slot.c.number.asc() if numbers.step > 0 else backfill_slot.c.number.desc()
            query = _SOME.order_by(order)
            given = {"backfill_id": backfill_id, "first": min(numbers), "last": max(numbers)}
        with self._store.read() as connection:
            return [_slot_of(row) for row in connection.execute(query, given)]

    def runs_between(self, dag_id: str, since: datetime, until: datetime) -> dict[datetime, list[RunAtDate]]:
        """The DAG's runs with a logical date in [since, until], by that date; of whatever type."""
        given = {"dag_id": dag_id, "since": since, "until": until}
        found: dict[datetime, list[RunAtDate]] = {}
        with self._store.read() as connection:
            for row in connection.execute(_AT_DATES, given):
                run = RunAtDate(row.id, row.logical_date, RunState(row.state), row.scheduled_date is not None)
                found.setdefault(row.logical_date, []).append(run)
        return found

    def taken_run_ids(self, dag_id: str, run_ids: Sequence[str]) -> Collection[str]:
        """Those of the run ids that the DAG has already."""
        with self._store.read() as connection:
            return set(connection.scalars(_NAMED, {"dag_id": dag_id, "run_ids": list(run_ids)}))


def _backfill_of(row: Row[Any]) -> BackfillRow:
    fields = dict(row._mapping)
    fields["reprocess_behavior"] = ReprocessBehavior(fields["reprocess_behavior"])
    fields["dag_run_conf"] = json.loads(fields["dag_run_conf"])
    return BackfillRow(**fields)


def _slot_of(row: Row[Any]) -> SlotRow:
    return SlotRow(
        number=row.number,
        logical_date=row.logical_date,
        interval=DataInterval(row.data_interval_start, row.data_interval_end),
        run_after=row.run_after,
        result=SlotResult(row.result) if row.result else None,
        run_pk=row.run_pk,
    )
