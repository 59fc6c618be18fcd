"""When a worker session was heard of last."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0009_health"
down_revision = "0008_callbacks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("worker", Column("beat_at", BigInteger))


def downgrade() -> None:
    op.drop_column("worker", "beat_at")
