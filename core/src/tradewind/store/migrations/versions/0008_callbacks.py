"""Callbacks: what attempts of kind ``callback`` are called for; deadlines of runs; what people are asked."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

revision = "0008_callbacks"
down_revision = "0006_backfill"
branch_labels = None
depends_on = None

_metadata = MetaData()
_Pk = BigInteger().with_variant(Integer, "sqlite")
_Id = String(250).with_variant(String(250, collation="utf8mb4_bin"), "mysql", "mariadb")
_Json = Text().with_variant(Text(2**32 - 1), "mysql", "mariadb")

Table(
    "callback",
    _metadata,
    Column("attempt_id", String(36), primary_key=True),
    Column("run_pk", _Pk, nullable=False),
    Column("task_id", _Id),
    Column("event", String(40), nullable=False),
    Column("body", _Json, nullable=False),
    Index("ix_callback_run", "run_pk"),
)

Table(
    "deadline",
    _metadata,
    Column("run_pk", _Pk, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text),
    Column("due_at", BigInteger, nullable=False),
    Column("open", Boolean),
    Column("missed", Boolean),
    Column("closed_at", BigInteger),
    Index(
        "ix_deadline_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
)

Table(
    "human_input",
    _metadata,
    Column("attempt_id", String(36), primary_key=True),
    Column("run_pk", _Pk, nullable=False),
    Column("ti_pk", _Pk, nullable=False),
    Column("task_id", _Id, nullable=False),
    Column("map_index", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("request", _Json, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("open", Boolean),
    Column("answer", _Json),
    Column("answered_by", String(250)),
    Column("answered_at", BigInteger),
    Index(
        "ix_human_input_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
    Index("ix_human_input_run", "run_pk"),
)


def upgrade() -> None:
    _metadata.create_all(op.get_bind())


def downgrade() -> None:
    _metadata.drop_all(op.get_bind())
