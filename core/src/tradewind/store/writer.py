"""The scheduler's own connection: what one turn of its loop writes, committed together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradewind.errors import Conflict
from tradewind.store.batch import Batch, Row
from tradewind.store.engine import Store
from tradewind.store.faults import told_clearly
from tradewind.store.statements import Statements

#: columns of a new run that may be left out
_RUN_DEFAULTS: Row = {
    "logical_date": None,
    "scheduled_date": None,
    "data_interval_start": None,
    "data_interval_end": None,
    "start_date": None,
    "end_date": None,
    "even_if_paused": False,
    "conf": "{}",
    "note": None,
    "reason": "",
    "backfill_id": None,
    "stopped_by": None,
}
#: columns of a new task instance that may be left out
_TASK_DEFAULTS: Row = {
    "map_index": -1,
    "state": None,
    "try_number": 0,
    "max_tries": 0,
    "attempt_id": None,
    "pool": "default_pool",
    "pool_slots": 1,
    "priority": 1,
    "due_at": None,
    "start_date": None,
    "end_date": None,
    "branch": None,
    "name": None,
    "reason": "",
    "note": None,
}
#: the lists of a batch in the order in which they are written: what is forgotten goes before what replaces it
_ORDER = (
    "new_attempts",
    "claimed_attempts",
    "callbacks",
    "new_inputs",
    "answered_inputs",
    "closed_inputs",
    "new_deadlines",
    "closed_deadlines",
    "started_attempts",
    "ended_attempts",
    "expanded",
    "task_instances",
    "instance_names",
    "runs",
    "run_notes",
    "task_notes",
    "deleted_xcoms",
    "xcoms",
    "deleted_waits",
    "waits",
    "transitions",
    "commands",
    "consumed_facts",
    "dags",
    "backfilled_runs",
    "backfills",
    "new_backfill_slots",
    "backfill_slots",
    "problems",
)
_CHECKPOINT_AFTER = (
    64  # commits; about the 1,000 pages after which SQLite would stop in the middle of work for it
)


class Writer:
    """One connection that stays open, for one thread.

    All moments in rows are whole microseconds. After any error the transaction is gone as a whole once
    :meth:`rollback` was called; the next :meth:`begin` starts afresh, on a new connection where the old one
    broke.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sqlite = store.dialect == "sqlite"
        self._statements = Statements(store.dialect)
        self._order = tuple((name, getattr(self._statements, name)) for name in _ORDER)
        self._connection: Any = None
        self._cursor: Any = None
        self._began = False
        self._commits = 0

    @property
    def in_transaction(self) -> bool:
        """Whether something was begun that is neither committed nor rolled back."""
        return self._began

    def begin(self) -> None:
        """Begin a transaction, where none is under way; on SQLite it takes the write lock."""
        if self._began:
            return
        with told_clearly(self._store.where):
            self._connect()
            if self._sqlite:
                self._cursor.execute("BEGIN IMMEDIATE")
            self._began = True

    def insert_run(self, row: Row, task_rows: Sequence[Row]) -> tuple[int, list[int]]:
        """Insert a run and its task instances.

        :param row: columns of ``dag_run`` but ``id``; those that may be null or have a default may be left
            out.
        :param task_rows: columns of ``task_instance`` but ``id`` and ``run_pk``, likewise.
        :returns: the run's pk, and those of the task instances in the order of ``task_rows``.
        :raises tradewind.errors.Conflict: where the DAG has a run of this id, or a scheduled run of this
            date; what the transaction holds besides stays.
        """
        self.begin()
        with told_clearly(self._store.where):
            self._cursor.execute(self._statements.insert_run, {**_RUN_DEFAULTS, **row})
            if self._store.dialect != "postgresql":
                pk = self._cursor.lastrowid
            elif (found := self._cursor.fetchone()) is not None:
                pk = found[0]
            else:
                raise Conflict(
                    f"The metadata database {self._store.where} refused a row: the DAG {row['dag_id']!r} has a run "
                    f"{row['run_id']!r}, or a scheduled one of this date."
                )
            return pk, self._insert_task_instances(pk, 0, task_rows)

    def insert_runs(self, rows: Sequence[Row], task_rows: Sequence[Row]) -> list[int]:
        """Insert runs of one DAG that have the same tasks, in a few statements however many there are.

        :param rows: as for :meth:`insert_run`; none of them may be there already.
        :returns: the runs' pks, in the order of ``rows``.
        """
        self.begin()
        with told_clearly(self._store.where):
            # Numbers only grow, and nobody else makes runs of this DAG.
            self._cursor.execute(self._statements.newest_run)
            after = self._cursor.fetchone()[0] or 0
            self._cursor.executemany(self._statements.insert_runs, [{**_RUN_DEFAULTS, **row} for row in rows])
            self._cursor.execute(self._statements.runs_after, {"dag_id": rows[0]["dag_id"], "after": after})
            pks = [found[0] for found in self._cursor.fetchall()]
            tasks = [{**_TASK_DEFAULTS, **row, "run_pk": pk} for pk in pks for row in task_rows]
            if tasks:
                self._cursor.executemany(self._statements.insert_task_instance, tasks)
            return pks

    def insert_backfill(self, row: Row) -> int:
        """Insert a backfill; its id."""
        self.begin()
        with told_clearly(self._store.where):
            self._cursor.execute(self._statements.insert_backfill, row)
            if self._store.dialect == "postgresql":
                return int(self._cursor.fetchone()[0])
            return int(self._cursor.lastrowid)

    def insert_task_instances(self, run_pk: int, task_rows: Sequence[Row]) -> list[int]:
        """Add task instances to a run that is there; their pks in the order of ``task_rows``."""
        self.begin()
        with told_clearly(self._store.where):
            self._cursor.execute(self._statements.newest_task_instance, {"run_pk": run_pk})
            return self._insert_task_instances(run_pk, self._cursor.fetchone()[0] or 0, task_rows)

    def _insert_task_instances(self, run_pk: int, after: int, task_rows: Sequence[Row]) -> list[int]:
        if not task_rows:
            return []
        rows = [{**_TASK_DEFAULTS, **row, "run_pk": run_pk} for row in task_rows]
        self._cursor.executemany(self._statements.insert_task_instance, rows)
        # Numbers only grow, and nobody else adds to this run: so their order is the order of insertion.
        self._cursor.execute(self._statements.task_instances_after, {"run_pk": run_pk, "after": after})
        return [found[0] for found in self._cursor.fetchall()]

    def write(self, batch: Batch) -> None:
        """Write all rows of ``batch`` into the transaction."""
        self.begin()
        with told_clearly(self._store.where):
            for name, statement in self._order:
                rows = getattr(batch, name)
                if rows:
                    self._cursor.executemany(statement, rows)

    def delete_run(self, run_pk: int) -> None:
        """Forget a run and all that belongs to it, in the transaction."""
        self.begin()
        with told_clearly(self._store.where):
            for statement in self._statements.delete_run:
                self._cursor.execute(statement, {"run_pk": run_pk})

    def delete_dag(self, dag_id: str) -> None:
        """Forget a DAG, its versions, runs and all that belongs to them, in the transaction."""
        self.begin()
        with told_clearly(self._store.where):
            for statement in self._statements.delete_dag:
                self._cursor.execute(statement, {"dag_id": dag_id})

    def commit(self) -> None:
        """Make durable what was written since :meth:`begin`; where that fails, nothing of it is kept."""
        if not self._began:
            return
        try:
            with told_clearly(self._store.where):
                if self._sqlite:
                    self._cursor.execute("COMMIT")
                else:
                    self._connection.commit()
        except BaseException:
            self.rollback()
            raise
        self._began = False
        self._commits += 1

    def rollback(self) -> None:
        """Forget what was written since :meth:`begin`. Never raises: a connection that cannot do it is
        dropped.
        """
        self._began = False
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except Exception:
            self._drop()
            return
        if not self._sqlite:
            self._drop()  # it may be broken; a new one is cheap beside the fault

    def data_version(self) -> int | None:
        """A number that changes when anybody else commits (SQLite), else ``None``. Costs microseconds."""
        if not self._sqlite:
            return None
        with told_clearly(self._store.where):
            self._connect()
            version: int = self._cursor.execute("PRAGMA data_version").fetchone()[0]
            return version

    def checkpoint_if_idle(self) -> bool:
        """Move SQLite's WAL into the database, if there is enough of it. Call it when there is nothing else
        to do.
        """
        if not self._sqlite or self._began or self._commits < _CHECKPOINT_AFTER:
            return False
        with told_clearly(self._store.where):
            self._connect()
            self._cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._commits = 0
        return True

    def close(self) -> None:
        """Roll back what was not committed, and let the connection go."""
        self.rollback()
        self._drop()

    def _connect(self) -> None:
        if self._connection is None:
            self._connection = self._store.engine.raw_connection()
            self._cursor = self._connection.cursor()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = self._cursor = None
