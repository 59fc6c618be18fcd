"""What callbacks are called for, beside the attempts that call them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from tradewind.store.tables import Moment, _Id, _Json, _Pk, _Uuid, _Word, metadata

#: one row for each attempt of kind ``callback``; written with it, never changed
callback = Table(
    "callback",
    metadata,
    Column("attempt_id", _Uuid, primary_key=True),
    Column("run_pk", _Pk, nullable=False),
    Column("task_id", _Id),  # null: the run's own
    Column("event", _Word, nullable=False),
    Column("body", _Json, nullable=False),
    Index("ix_callback_run", "run_pk"),
)

#: by when a run is to succeed; made with the run, closed when it has succeeded or the time has come
deadline = Table(
    "deadline",
    metadata,
    Column("run_pk", _Pk, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # among the DAG's alerts
    Column("name", Text),
    Column("due_at", Moment, nullable=False),
    Column("open", Boolean),  # true until it is met or missed, then null
    Column("missed", Boolean),
    Column("closed_at", Moment),
    Index(
        "ix_deadline_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
)
