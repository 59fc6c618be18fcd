"""The tables of backfills: each is an object of its own, and its slots are the plan that it goes by."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, Table, Text, text

from tradewind.store import tables as t

backfill = Table(
    "backfill",
    t.metadata,
    Column("id", t._Pk, primary_key=True),
    Column("dag_id", t._Id, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("actor", String(250), nullable=False),
    Column("from_date", t.Moment, nullable=False),
    Column("to_date", t.Moment, nullable=False),
    Column("max_active_runs", Integer, nullable=False),
    Column("reprocess_behavior", t._Word, nullable=False),
    Column("run_backwards", Boolean, nullable=False),
    Column("dag_run_conf", t._Json, nullable=False),
    Column("created_at", t.Moment, nullable=False),
    Column("is_paused", Boolean, nullable=False),
    Column("planned", Integer, nullable=False),  # slots that were put down so far
    Column("planned_at", t.Moment),  # all of them
    Column("made", Integer, nullable=False),  # slots that were worked through, in the order of the backfill
    Column("cancelled_at", t.Moment),
    Column("completed_at", t.Moment),
    Column("open", Boolean),  # true until it is completed, then null
    Index("ix_backfill_dag", "dag_id"),
    Index(
        "ix_backfill_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
)

backfill_slot = Table(
    "backfill_slot",
    t.metadata,
    Column("backfill_id", t._Pk, ForeignKey("backfill.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, by logical date
    Column("logical_date", t.Moment, nullable=False),
    Column("data_interval_start", t.Moment, nullable=False),
    Column("data_interval_end", t.Moment, nullable=False),
    Column("run_after", t.Moment, nullable=False),
    Column("result", Text),  # what became of it: see SlotResult; null: not worked on yet
    Column("run_pk", t._Pk),
    Index("ix_backfill_slot_run", "run_pk"),
)
