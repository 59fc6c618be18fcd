"""What tries wait for, and pools that deferred tasks count towards."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Text, false

revision = "0005_waits"
down_revision = "0004_clear"
branch_labels = None
depends_on = None

_Pk = BigInteger().with_variant(Integer, "sqlite")
_Json = Text().with_variant(Text(2**32 - 1), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "wait",
        Column("attempt_id", String(36), primary_key=True),
        Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
        Column("ti_pk", _Pk, nullable=False),
        Column("kind", String(40), nullable=False),
        Column("due_at", BigInteger),
        Column("body", _Json, nullable=False),
    )
    op.create_index("ix_wait_run", "wait", ["run_pk"])
    op.add_column("pool", Column("include_deferred", Boolean, nullable=False, server_default=false()))


def downgrade() -> None:
    with op.batch_alter_table("pool") as pool:
        pool.drop_column("include_deferred")
    op.drop_table("wait")
