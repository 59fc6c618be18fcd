"""What callbacks are called for, beside the attempts that call them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from tradewind.store.tables import _Id, _Json, _Pk, _Uuid, _Word, metadata

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
