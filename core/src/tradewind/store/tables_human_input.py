"""What tasks ask people for."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, text

from tradewind.store.tables import Moment, _Id, _Json, _Pk, _Uuid, metadata

human_input = Table(
    "human_input",
    metadata,
    Column("attempt_id", _Uuid, primary_key=True),  # the attempt that asked
    Column("run_pk", _Pk, nullable=False),
    Column("ti_pk", _Pk, nullable=False),
    Column("task_id", _Id, nullable=False),
    Column("map_index", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("request", _Json, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("open", Boolean),  # true until its task has gone on with the answer, or waits no more; then null
    Column("answer", _Json),
    Column("answered_by", String(250)),
    Column("answered_at", Moment),
    Index(
        "ix_human_input_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
    Index("ix_human_input_run", "run_pk"),
)
