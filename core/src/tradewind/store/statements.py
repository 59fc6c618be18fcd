"""The statements of the scheduler's transaction, built once for a database and then only executed.

They are written in SQLAlchemy and compiled to text with named parameters, which every driver here takes as a
dict: building one anew for each execution costs three times what executing it does. The text bypasses column
types, so a row holds what the driver takes: moments as whole microseconds, JSON as text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ClauseElement,
    Dialect,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    update,
)

from tradewind.store import tables as t
from tradewind.store.tables_backfill import backfill, backfill_slot
from tradewind.store.tables_callbacks import callback, deadline
from tradewind.store.tables_human_input import human_input
from tradewind.store.tables_waits import wait

#: columns of an attempt that are not known when it is made, or that follow from others
_LATER = ("started_at", "revoked_at", "ended_at", "outcome", "reason", "host", "pid", "open")


class Statements:
    """SQL text for one dialect; the attributes are named after the lists of
    :class:`~tradewind.store.batch.Batch`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._dialect = _dialect(name)
        self._make_runs()
        self._make_attempts()
        self._make_backfills()
        self.xcoms = self._text(self._replacing(t.xcom))
        self.deleted_xcoms = self._text(delete(t.xcom).where(*_matches(t.xcom, "run_pk task_id map_index")))
        self.deleted_waits = self._text(delete(wait).where(*_matches(wait, "attempt_id")))
        self.waits = self._text(self._replacing(wait))
        self.transitions = self._text(_inserting(t.transition))
        self.commands = self._text(
            update(t.command)
            .where(*_matches(t.command, "id"))
            .values(open=null(), **_binds("applied_at result refused_reason"))
        )
        self.consumed_facts = self._text(delete(t.fact).where(*_matches(t.fact, "seq")))
        self.dags = self._text(
            update(t.dag)
            .where(*_matches(t.dag, "dag_id"))
            .values(_binds("paused paused_reason cursor_start cursor_end next_logical next_run_after"))
        )
        self.problems = self._text(_inserting(t.problem, without=("id",)))
        self.delete_dag = self._deleting_a_dag()
        of_run = [delete(it).where(*_matches(it, "run_pk")) for it in (t.transition, t.attempt, t.problem)]
        self.delete_run = tuple(
            self._text(it) for it in (*of_run, delete(t.dag_run).where(t.dag_run.c.id == bindparam("run_pk")))
        )

    def _make_runs(self) -> None:
        run, task = t.dag_run, t.task_instance
        self.insert_run = self._text(self._inserting_a_run())
        self.insert_task_instance = self._text(_inserting(task, without=("id",)))
        self.task_instances_after = self._text(
            select(task.c.id)
            .where(*_matches(task, "run_pk"), task.c.id > bindparam("after"))
            .order_by(task.c.id)
        )
        self.newest_task_instance = self._text(select(func.max(task.c.id)).where(*_matches(task, "run_pk")))
        self.runs = self._text(
            update(run)
            .where(run.c.id == bindparam("pk"))
            .values(_binds("state start_date end_date version_id reason stopped_by"))
        )
        self.run_notes = self._text(update(run).where(run.c.id == bindparam("pk")).values(_binds("note")))
        self.task_notes = self._text(
            update(task).where(*_matches(task, "run_pk task_id map_index")).values(_binds("note"))
        )
        self.task_instances = self._text(
            update(task)
            .where(task.c.id == bindparam("pk"))
            .values(
                _binds("state try_number max_tries attempt_id due_at start_date end_date branch reason"),
            )
        )

        self.expanded = self._text(
            update(task).where(task.c.id == bindparam("pk")).values(map_index=literal_column("0"))
        )
        self.instance_names = self._text(
            update(task).where(task.c.id == bindparam("pk")).values(_binds("name"))
        )

    def _inserting_a_run(self) -> ClauseElement:
        names = " ".join(column.name for column in t.dag_run.columns if column.name != "id")
        if self._name != "postgresql":
            return (
                insert(t.dag_run).values(_binds(names)).inline()
            )  # the driver knows the new row's number by itself
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        # A row that is refused would end the whole transaction there; one that is passed over does not.
        added = postgresql_insert(t.dag_run).values(_binds(names))
        return added.on_conflict_do_nothing().returning(t.dag_run.c.id)

    def _make_attempts(self) -> None:
        attempt = t.attempt
        self.new_attempts = self._text(_inserting(attempt, without=_LATER, open=true()))
        self.claimed_attempts = self._text(
            update(attempt).where(*_matches(attempt, "id")).values(_binds("claimed_by claimed_at"))
        )
        self.callbacks = self._text(_inserting(callback))
        asked = ("open", "answer", "answered_by", "answered_at")
        self.new_inputs = self._text(_inserting(human_input, without=asked, open=true()))
        of_input = update(human_input).where(*_matches(human_input, "attempt_id"))
        self.answered_inputs = self._text(of_input.values(_binds("answer answered_by answered_at")))
        self.closed_inputs = self._text(of_input.values(open=null()))
        self.new_deadlines = self._text(
            _inserting(deadline, without=("open", "missed", "closed_at"), open=true())
        )
        self.closed_deadlines = self._text(
            update(deadline)
            .where(*_matches(deadline, "run_pk number"))
            .values(open=null(), **_binds("missed closed_at"))
        )
        self.started_attempts = self._text(
            update(attempt).where(*_matches(attempt, "id")).values(_binds("started_at host pid"))
        )
        # what is known already stays where the fact does not say
        kept = {
            name: func.coalesce(bindparam(name, type_=attempt.c[name].type), attempt.c[name])
            for name in ("started_at", "host", "pid")
        }
        self.ended_attempts = self._text(
            update(attempt)
            .where(*_matches(attempt, "id"), attempt.c.ended_at.is_(None))
            .values(open=null(), **_binds("ended_at outcome reason"), **kept)
        )

    def _make_backfills(self) -> None:
        run = t.dag_run
        new = _inserting(backfill, without=("id", "planned_at", "cancelled_at", "completed_at"))
        self.insert_backfill = self._text(new.returning(backfill.c.id) if self._name == "postgresql" else new)
        self.insert_runs = self._text(_inserting(run, without=("id",)))
        self.newest_run = self._text(select(func.max(run.c.id)))
        self.runs_after = self._text(
            select(run.c.id).where(*_matches(run, "dag_id"), run.c.id > bindparam("after")).order_by(run.c.id)
        )
        self.backfilled_runs = self._text(
            update(run)
            .where(run.c.id == bindparam("pk"))
            .values(
                run_type=literal_column("'backfill'"),
                even_if_paused=true(),
                scheduled_date=run.c.logical_date,
                **_binds("backfill_id"),
            )
        )
        self.backfills = self._text(
            update(backfill)
            .where(*_matches(backfill, "id"))
            .values(_binds("is_paused planned planned_at made cancelled_at completed_at open"))
        )
        self.new_backfill_slots = self._text(_inserting(backfill_slot, without=("result", "run_pk")))
        self.backfill_slots = self._text(
            update(backfill_slot)
            .where(*_matches(backfill_slot, "backfill_id number"))
            .values(_binds("result run_pk"))
        )

    def _deleting_a_dag(self) -> tuple[str, ...]:
        """Forget a DAG with all that hangs on it; task instances and XComs go with their runs."""
        runs = select(t.dag_run.c.id).where(*_matches(t.dag_run, "dag_id"))
        of_runs = [
            delete(table).where(table.c.run_pk.in_(runs))
            for table in (callback, deadline, human_input, t.transition, t.attempt, t.problem)
        ]
        of_dag = [
            delete(table).where(*_matches(table, "dag_id"))
            for table in (t.dag_run, backfill, t.dag_version, t.dag_warning, t.dag)
        ]
        return tuple(self._text(statement) for statement in (*of_runs, *of_dag))

    def _replacing(self, table: Table) -> ClauseElement:
        """Insert a row, or overwrite the one that has its key."""
        keys = {column.name for column in table.primary_key}
        values = _binds(" ".join(column.name for column in table.columns))
        others = [name for name in values if name not in keys]
        if self._name == "mysql":
            from sqlalchemy.dialects.mysql import insert as mysql_insert

            row = mysql_insert(table).values(values)
            return row.on_duplicate_key_update({name: row.inserted[name] for name in others})
        if self._name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as postgresql_insert

            added = postgresql_insert(table).values(values)
            return added.on_conflict_do_update(
                index_elements=sorted(keys), set_={name: added.excluded[name] for name in others}
            )
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        new = sqlite_insert(table).values(values)
        return new.on_conflict_do_update(
            index_elements=sorted(keys), set_={name: new.excluded[name] for name in others}
        )

    def _text(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._dialect))


def _dialect(name: str) -> Dialect:
    """A dialect whose text has parameters by name: ``:name`` or ``%(name)s``."""
    if name == "mysql":
        from sqlalchemy.dialects.mysql import pymysql

        return pymysql.dialect(paramstyle="pyformat", is_mariadb=True)
    if name == "postgresql":
        from sqlalchemy.dialects.postgresql import psycopg

        return psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
    from sqlalchemy.dialects.sqlite import pysqlite

    return pysqlite.dialect(paramstyle="named")


def _binds(names: str) -> dict[str, Any]:
    return {name: bindparam(name) for name in names.split()}


def _matches(table: Table, names: str) -> list[Any]:
    return [table.c[name] == bindparam(name) for name in names.split()]


def _inserting(table: Table, without: tuple[str, ...] = (), **constants: Any) -> Any:
    names = [column.name for column in table.columns if column.name not in without]
    # inline: the number that the database gives a row is not asked for
    return insert(table).values({**{name: bindparam(name) for name in names}, **constants}).inline()
