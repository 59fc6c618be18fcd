"""What map_index_template gave, beside the instance of a mapped task."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String

revision = "0003_mapping"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("task_instance", Column("name", String(250)))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("task_instance", "name")
