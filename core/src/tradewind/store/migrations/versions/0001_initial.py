"""All tables, as they were at first."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A copy that stays as it is when tradewind.store.tables goes on.
_metadata = MetaData()

_Pk = BigInteger().with_variant(Integer, "sqlite")
_Id = String(250).with_variant(String(250, collation="utf8mb4_bin"), "mysql", "mariadb")
_Uuid = String(36)
_Word = String(40)
_Moment = BigInteger
_LONGEST = 2**32 - 1
_Json = Text().with_variant(Text(_LONGEST), "mysql", "mariadb")
_Blob = LargeBinary().with_variant(LargeBinary(_LONGEST), "mysql", "mariadb")
_EMPTY = text("('')")

Table("meta", _metadata, Column("key", _Word, primary_key=True), Column("value", Text, nullable=False))

Table(
    "source_file",
    _metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", _Blob, nullable=False),
)

Table(
    "dag_version",
    _metadata,
    Column("id", _Uuid, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("spec_hash", String(64), nullable=False),
    Column("source_hash", String(64), nullable=False),
    Column("spec", _Json, nullable=False),
    Column("folder", Text, nullable=False),
    Column("files", _Json, nullable=False),
    Column("created_at", _Moment, nullable=False),
    UniqueConstraint("dag_id", "number"),
)

Table(
    "dag",
    _metadata,
    Column("dag_id", _Id, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("version_id", _Uuid),
    Column("folder", Text, nullable=False, server_default=_EMPTY),
    Column("file", Text, nullable=False),
    Column("is_stale", Boolean, nullable=False),
    Column("imported_at", _Moment),
    Column("import_seconds", BigInteger),
    Column("paused", Boolean, nullable=False),
    Column("cursor_start", _Moment),
    Column("cursor_end", _Moment),
    Column("next_logical", _Moment),
    Column("next_run_after", _Moment),
)

Table(
    "import_error",
    _metadata,
    Column("id", _Pk, primary_key=True),
    Column("folder", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", Integer),
    Column("message", Text, nullable=False),
    Column("traceback", _Json, nullable=False),
    Column("at", _Moment, nullable=False),
)

Table(
    "dag_warning",
    _metadata,
    Column("id", _Pk, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", _Moment, nullable=False),
)

Table(
    "dag_run",
    _metadata,
    Column("id", _Pk, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("run_id", _Id, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("version_id", _Uuid, nullable=False),
    Column("run_type", _Word, nullable=False),
    Column("state", _Word, nullable=False),
    Column("logical_date", _Moment),
    Column("scheduled_date", _Moment),
    Column("data_interval_start", _Moment),
    Column("data_interval_end", _Moment),
    Column("run_after", _Moment, nullable=False),
    Column("queued_at", _Moment, nullable=False),
    Column("start_date", _Moment),
    Column("end_date", _Moment),
    Column("even_if_paused", Boolean, nullable=False, server_default=false()),
    Column("conf", _Json, nullable=False),
    Column("note", Text),
    Column("reason", Text, nullable=False, server_default=_EMPTY),
    UniqueConstraint("dag_id", "run_id"),
    UniqueConstraint("dag_id", "scheduled_date"),
    Index("ix_dag_run_state", "state"),
    Index("ix_dag_run_logical", "dag_id", "logical_date"),
)

Table(
    "task_instance",
    _metadata,
    Column("id", _Pk, primary_key=True),
    Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", _Id, nullable=False),
    Column("map_index", Integer, nullable=False),
    Column("state", _Word),
    Column("try_number", Integer, nullable=False),
    Column("max_tries", Integer, nullable=False),
    Column("attempt_id", _Uuid),
    Column("pool", _Id, nullable=False),
    Column("pool_slots", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", _Moment),
    Column("start_date", _Moment),
    Column("end_date", _Moment),
    Column("branch", _Json),
    Column("reason", Text, nullable=False, server_default=_EMPTY),
    UniqueConstraint("run_pk", "task_id", "map_index"),
)

Table(
    "attempt",
    _metadata,
    Column("id", _Uuid, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("ti_pk", _Pk),
    Column("run_pk", _Pk, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("physical_no", Integer, nullable=False),
    Column("executor", _Word, nullable=False),
    Column("issued_at", _Moment, nullable=False),
    Column("issued_epoch", Integer, nullable=False),
    Column("claimed_by", _Uuid),
    Column("claimed_at", _Moment),
    Column("started_at", _Moment),
    Column("revoked_at", _Moment),
    Column("ended_at", _Moment),
    Column("outcome", _Word),
    Column("reason", Text),
    Column("log_path", Text, nullable=False, server_default=_EMPTY),
    Column("host", String(255)),
    Column("pid", Integer),
    Column("open", Boolean),
    Index(
        "ix_attempt_open",
        "open",
        "shard",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
    Index("ix_attempt_ti", "ti_pk"),
)

Table(
    "xcom",
    _metadata,
    Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
    Column("task_id", _Id, primary_key=True),
    Column("map_index", Integer, primary_key=True),
    Column("key", _Id, primary_key=True),
    Column("value", _Blob, nullable=False),
    Column("backend", _Word),
    Column("size", BigInteger, nullable=False),
    Column("length", Integer),
    Column("attempt_id", _Uuid),
    Column("at", _Moment, nullable=False),
)

Table(
    "transition",
    _metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("run_pk", _Pk, nullable=False),
    Column("ti_pk", _Pk),
    Column("attempt_id", _Uuid),
    Column("old", _Word),
    Column("new", _Word),
    Column("cause", _Word, nullable=False),
    Column("cause_id", _Uuid),
    Column("reason", Text, nullable=False),
    Column("at", _Moment, nullable=False),
    Index("ix_transition_run", "run_pk"),
)

Table(
    "fact",
    _metadata,
    Column("seq", _Pk, primary_key=True, autoincrement=True),
    Column("shard", SmallInteger, nullable=False),
    Column("attempt_id", _Uuid, nullable=False),
    Column("session", _Uuid, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("body", _Blob, nullable=False),
    UniqueConstraint("attempt_id", "session", "n"),
)

Table(
    "command",
    _metadata,
    Column("id", _Uuid, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("dag_id", _Id, nullable=False),
    Column("actor", String(250), nullable=False),
    Column("kind", _Word, nullable=False),
    Column("body", _Json, nullable=False),
    Column("at", _Moment, nullable=False),
    Column("open", Boolean),
    Column("applied_at", _Moment),
    Column("result", _Json),
    Column("refused_reason", Text),
    Index(
        "ix_command_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
)

Table(
    "problem",
    _metadata,
    Column("id", _Pk, primary_key=True),
    Column("run_pk", _Pk),
    Column("what", Text, nullable=False),
    Column("traceback", _Json, nullable=False),
    Column("at", _Moment, nullable=False),
)

Table(
    "scheduler",
    _metadata,
    Column("id", _Uuid, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", _Moment, nullable=False),
    Column("beat_at", _Moment, nullable=False),
    Column("ended_at", _Moment),
)

Table(
    "shard",
    _metadata,
    Column("no", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", _Uuid),
    Column("epoch", Integer, nullable=False),
)

Table(
    "worker",
    _metadata,
    Column("session", _Uuid, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("started_at", _Moment, nullable=False),
    Column("ended_at", _Moment),
)

_pool = Table(
    "pool",
    _metadata,
    Column("name", _Id, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default=text("0")),
    Column("description", Text),
)

Table(
    "variable",
    _metadata,
    Column("key", _Id, primary_key=True),
    Column("value", _Blob, nullable=False),
    Column("description", Text),
)

Table(
    "connection",
    _metadata,
    Column("conn_id", _Id, primary_key=True),
    Column("conn_type", _Word, nullable=False),
    Column("value", _Blob, nullable=False),
    Column("description", Text),
)


def upgrade() -> None:
    _metadata.create_all(op.get_bind())
    op.bulk_insert(_pool, [{"name": "default_pool", "slots": 128, "description": "Default pool"}])


def downgrade() -> None:
    _metadata.drop_all(op.get_bind())
