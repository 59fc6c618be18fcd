"""Asset events, the updates that DAGs wait with, and who waits for a run."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

revision = "0007_assets"
down_revision = "0006_backfill"
branch_labels = None
depends_on = None

# A copy that stays as it is when tradewind.store.tables_assets goes on.
_metadata = MetaData()

_Pk = BigInteger().with_variant(Integer, "sqlite")
_Id = String(250).with_variant(String(250, collation="utf8mb4_bin"), "mysql", "mariadb")
_Name = String(1500).with_variant(String(1500, collation="ascii_bin"), "mysql", "mariadb")
_Json = Text().with_variant(Text(2**32 - 1), "mysql", "mariadb")

Table("dag_run", _metadata, Column("id", _Pk, primary_key=True))  # is there, and referred to

_TABLES = (
    Table(
        "asset_event",
        _metadata,
        Column("id", String(36), primary_key=True),
        Column("name", _Name, nullable=False),
        Column("uri", _Name, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("extra", _Json, nullable=False),
        Column("dag_id", _Id, nullable=False),
        Column("run_id", _Id, nullable=False),
        Column("task_id", _Id, nullable=False),
        Column("map_index", Integer, nullable=False),
        Column("actor", String(250), nullable=False),
        Column("aliases", _Json, nullable=False),
        Index("ix_asset_event_name", "name", "id"),
        Index("ix_asset_event_at", "at"),
    ),
    Table(
        "asset_alias",
        _metadata,
        Column("alias", _Name, primary_key=True),
        Column("event_id", String(36), primary_key=True),
        Column("name", _Name, nullable=False),
        Column("uri", _Name, nullable=False),
    ),
    Table(
        "asset_pending",
        _metadata,
        Column("dag_id", _Id, primary_key=True),
        Column("event_id", String(36), primary_key=True),
        Column("name", _Name, nullable=False),
        Column("uri", _Name, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("aliases", _Json, nullable=False),
    ),
    Table(
        "asset_event_run",
        _metadata,
        Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
        Column("event_id", String(36), primary_key=True),
    ),
    Table(
        "run_watch",
        _metadata,
        Column("attempt_id", String(36), primary_key=True),
        Column("dag_id", _Id, nullable=False),
        Column("run_id", _Id, nullable=False),
        Column("asker", _Json, nullable=False),
        Column("request", _Json, nullable=False),
        Index("ix_run_watch_dag", "dag_id"),
    ),
)


def upgrade() -> None:
    _metadata.create_all(op.get_bind(), tables=_TABLES)


def downgrade() -> None:
    _metadata.drop_all(op.get_bind(), tables=_TABLES)
