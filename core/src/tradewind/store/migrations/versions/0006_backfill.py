"""Backfills; why a DAG was switched off; runs by the time from which they may start."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    text,
)

revision = "0006_backfill"
down_revision = "0005_waits"
branch_labels = None
depends_on = None

_Pk = BigInteger().with_variant(Integer, "sqlite")
_Id = String(250).with_variant(String(250, collation="utf8mb4_bin"), "mysql", "mariadb")
_Word = String(40)
_Moment = BigInteger
_LONGEST = 2**32 - 1
_Json = Text().with_variant(Text(_LONGEST), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "backfill",
        Column("id", _Pk, primary_key=True),
        Column("dag_id", _Id, nullable=False),
        Column("shard", SmallInteger, nullable=False),
        Column("actor", String(250), nullable=False),
        Column("from_date", _Moment, nullable=False),
        Column("to_date", _Moment, nullable=False),
        Column("max_active_runs", Integer, nullable=False),
        Column("reprocess_behavior", _Word, nullable=False),
        Column("run_backwards", Boolean, nullable=False),
        Column("dag_run_conf", _Json, nullable=False),
        Column("created_at", _Moment, nullable=False),
        Column("is_paused", Boolean, nullable=False),
        Column("planned", Integer, nullable=False),
        Column("planned_at", _Moment),
        Column("made", Integer, nullable=False),
        Column("cancelled_at", _Moment),
        Column("completed_at", _Moment),
        Column("open", Boolean),
        Index("ix_backfill_dag", "dag_id"),
        Index(
            "ix_backfill_open",
            "open",
            sqlite_where=text("open IS NOT NULL"),
            postgresql_where=text("open IS NOT NULL"),
        ),
    )
    op.create_table(
        "backfill_slot",
        Column("backfill_id", _Pk, ForeignKey("backfill.id", ondelete="CASCADE"), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("logical_date", _Moment, nullable=False),
        Column("data_interval_start", _Moment, nullable=False),
        Column("data_interval_end", _Moment, nullable=False),
        Column("run_after", _Moment, nullable=False),
        Column("result", Text),
        Column("run_pk", _Pk),
        Index("ix_backfill_slot_run", "run_pk"),
    )
    op.add_column("dag_run", Column("backfill_id", _Pk))
    op.add_column("dag", Column("paused_reason", Text))
    op.create_index("ix_dag_run_newest", "dag_run", ["run_after"])
    op.create_index("ix_dag_run_newest_of_dag", "dag_run", ["dag_id", "run_after"])


def downgrade() -> None:
    op.drop_index("ix_dag_run_newest_of_dag", "dag_run")
    op.drop_index("ix_dag_run_newest", "dag_run")
    with op.batch_alter_table("dag") as dag:
        dag.drop_column("paused_reason")
    with op.batch_alter_table("dag_run") as run:
        run.drop_column("backfill_id")
    op.drop_table("backfill_slot")
    op.drop_table("backfill")
