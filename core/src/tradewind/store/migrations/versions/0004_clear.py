"""Why a run was stopped before its teardowns, and notes on task instances."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0004_clear"
down_revision = "0003_mapping"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag_run", Column("stopped_by", Text))
    op.add_column("task_instance", Column("note", Text))


def downgrade() -> None:
    op.drop_column("task_instance", "note")
    op.drop_column("dag_run", "stopped_by")
