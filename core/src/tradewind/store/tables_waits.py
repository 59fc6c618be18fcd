"""The table of what tries wait for without a slot. The owner of the run's shard writes it, in the transaction that begins
the wait, notes its end, and forgets it with the attempt that went on."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from tradewind.store.tables import Moment, _Json, _Pk, _Uuid, _Word, metadata

wait = Table(
    "wait",
    metadata,
    Column("attempt_id", _Uuid, primary_key=True),  # the attempt that asked for it
    Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("ti_pk", _Pk, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("due_at", Moment),
    Column("body", _Json, nullable=False),
    Index("ix_wait_run", "run_pk"),
)
