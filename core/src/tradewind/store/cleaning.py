"""Forgetting what is old, in small transactions, so that nobody waits for the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, exists, func, select

from tradewind.model.states import RUN_FINAL
from tradewind.store.engine import Store
from tradewind.store.tables import (
    attempt,
    command,
    dag,
    dag_run,
    dag_version,
    problem,
    scheduler,
    source_file,
    task_instance,
    transition,
    worker,
    xcom,
)
from tradewind.store.tables_backfill import backfill, backfill_slot
from tradewind.store.tables_callbacks import callback, deadline
from tradewind.store.tables_human_input import human_input

CHUNK = 500  # rows that one transaction deletes at most


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many rows of a table one step deleted (or, when only looking, how many there are to delete)."""

    table: str
    rows: int


class Cleaner:
    """Deletes what came to its end before a moment. Open runs and all that belongs to them stay."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def old_runs(self, before: datetime) -> list[int]:
        """The pks of the runs that ended before a moment; their spilled XComs are the caller's to forget
        first (:meth:`tradewind.store.xcoms.XComRepository.spilled`).
        """
        query = (
            select(dag_run.c.id)
            .where(dag_run.c.state.in_(sorted(RUN_FINAL)), dag_run.c.end_date < before)
            .order_by(dag_run.c.id)
        )
        with self._store.read() as connection:
            return list(connection.scalars(query))

    def runs_beyond(self, number: int) -> list[int]:
        """The pks of the runs that ended and are not among the newest ``number`` of their DAG."""
        place = func.row_number().over(
            partition_by=dag_run.c.dag_id, order_by=(dag_run.c.run_after.desc(), dag_run.c.id.desc())
        )
        placed = select(dag_run.c.id, dag_run.c.state, place.label("place")).subquery()
        query = select(placed.c.id).where(placed.c.place > number, placed.c.state.in_(sorted(RUN_FINAL)))
        with self._store.read() as connection:
            return sorted(connection.scalars(query))

    def delete_run(self, run_pk: int) -> Iterator[Cleaned]:
        """Delete a run with everything that belongs to it, step by step, the run itself last: a kill in
        between leaves a run that the next call deletes.
        """
        for table in (callback, deadline, human_input, transition, attempt, xcom, task_instance, problem):
            yield from self._delete(table, table.c.run_pk == run_pk)
        yield from self._delete(dag_run, dag_run.c.id == run_pk)

    def delete_unused_versions(self, before: datetime) -> Iterator[Cleaned]:
        """Delete versions from before a moment at which no DAG stands and which no run has, and files of no
        version.
        """
        used = exists().where(dag_run.c.version_id == dag_version.c.id)
        current = exists().where(dag.c.version_id == dag_version.c.id)
        yield from self._delete(dag_version, (dag_version.c.created_at < before) & ~used & ~current)
        with self._store.write() as connection:  # one transaction: an import may be about to use a file again
            kept = {
                digest
                for files in connection.scalars(select(dag_version.c.files))
                for _, digest in json.loads(files)
            }
            gone = [
                digest for digest in connection.scalars(select(source_file.c.sha256)) if digest not in kept
            ][:CHUNK]
            if gone:
                connection.execute(delete(source_file).where(source_file.c.sha256.in_(gone)))
        if gone:
            yield Cleaned(source_file.name, len(gone))

    def delete_others(self, before: datetime) -> Iterator[Cleaned]:
        """Delete commands, backfills and processes that came to their end, and problems, from before a moment."""
        yield from self._delete(command, command.c.applied_at < before)
        over = select(backfill.c.id).where(backfill.c.completed_at < before)
        yield from self._delete(backfill_slot, backfill_slot.c.backfill_id.in_(over))
        yield from self._delete(backfill, backfill.c.completed_at < before)
        yield from self._delete(problem, problem.c.at < before)
        yield from self._delete(worker, worker.c.ended_at < before)
        yield from self._delete(scheduler, scheduler.c.ended_at < before)

    def count(self, before: datetime) -> list[Cleaned]:
        """What would be deleted: runs, and what :meth:`delete_others` would take."""
        wanted: tuple[tuple[Table, Any], ...] = (
            (dag_run, dag_run.c.state.in_(sorted(RUN_FINAL)) & (dag_run.c.end_date < before)),
            (command, command.c.applied_at < before),
            (backfill, backfill.c.completed_at < before),
            (problem, problem.c.at < before),
            (worker, worker.c.ended_at < before),
            (scheduler, scheduler.c.ended_at < before),
        )
        with self._store.read() as connection:
            return [
                Cleaned(
                    table.name,
                    connection.execute(select(func.count()).select_from(table).where(which)).scalar_one(),
                )
                for table, which in wanted
            ]

    def _delete(self, table: Table, which: Any) -> Iterator[Cleaned]:
        while True:
            with self._store.write() as connection:
                number = _delete_chunk(connection, table, which)
            if number:
                yield Cleaned(table.name, number)
            if number < CHUNK:
                return


def _delete_chunk(connection: Connection, table: Table, which: Any) -> int:
    # MySQL deletes from no table that the same statement selects from, hence two steps
    keys = list(table.primary_key)
    found = connection.execute(select(*keys).where(which).limit(CHUNK)).all()
    if found:
        same = [key == bindparam(f"key_{place}", type_=key.type) for place, key in enumerate(keys)]
        rows = [{f"key_{place}": value for place, value in enumerate(row)} for row in found]
        connection.execute(delete(table).where(*same), rows)
    return len(found)
