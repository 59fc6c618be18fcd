"""Callbacks: what attempts of kind ``callback`` are called for; deadlines of runs."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

revision = "0008_callbacks"
down_revision = "0001"
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


def upgrade() -> None:
    _metadata.create_all(op.get_bind())


def downgrade() -> None:
    _metadata.drop_all(op.get_bind())
