"""The tables of the metadata database.

Moments are kept as whole microseconds since 1970 UTC, alike on every database; JSON is text; ids are compared by
their bytes. Who writes which table in which transaction: ``docs/internals/protocol.md``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = MetaData()


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


#: SQLite makes a row's number itself for INTEGER only
_Pk = BigInteger().with_variant(Integer, "sqlite")
#: the generic types, since importing a server's dialect costs everybody who does not use it
_Id = String(250).with_variant(String(250, collation="utf8mb4_bin"), "mysql", "mariadb")
_Uuid = String(36)
_Word = String(40)
_LONGEST = 2**32 - 1  # MySQL makes it a LONGTEXT or LONGBLOB
_Json = Text().with_variant(Text(_LONGEST), "mysql", "mariadb")
_Blob = LargeBinary().with_variant(LargeBinary(_LONGEST), "mysql", "mariadb")
_EMPTY = text("('')")  # in parentheses, as MySQL wants the default of a Text

meta = Table("meta", metadata, Column("key", _Word, primary_key=True), Column("value", Text, nullable=False))

# -- DAGs: definition columns are the importer's, the others the scheduler's
source_file = Table(
    "source_file",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", _Blob, nullable=False),
)

dag_version = Table(
    "dag_version",
    metadata,
    Column("id", _Uuid, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("spec_hash", String(64), nullable=False),
    Column("source_hash", String(64), nullable=False),
    Column("spec", _Json, nullable=False),
    Column("folder", Text, nullable=False),
    Column("files", _Json, nullable=False),  # [[path, sha256], ...]
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("dag_id", "number"),
)

dag = Table(
    "dag",
    metadata,
    Column("dag_id", _Id, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    # the importer's
    Column("version_id", _Uuid),
    Column("folder", Text, nullable=False, server_default=_EMPTY),
    Column("file", Text, nullable=False),
    Column("is_stale", Boolean, nullable=False),  # its file is gone, or cannot be imported at present
    Column("imported_at", Moment),
    Column("import_seconds", BigInteger),  # microseconds the import took
    # the scheduler's
    Column("paused", Boolean, nullable=False),
    Column("cursor_start", Moment),  # data interval of the last scheduled run
    Column("cursor_end", Moment),
    Column("next_logical", Moment),
    Column("next_run_after", Moment),
    Column("paused_reason", Text),  # where it was not a person who switched it off
)

import_error = Table(
    "import_error",
    metadata,
    Column("id", _Pk, primary_key=True),
    Column("folder", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", Integer),
    Column("message", Text, nullable=False),
    Column("traceback", _Json, nullable=False),
    Column("at", Moment, nullable=False),
)

dag_warning = Table(
    "dag_warning",
    metadata,
    Column("id", _Pk, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

# -- runs: written by the owner of the DAG's shard alone
dag_run = Table(
    "dag_run",
    metadata,
    Column("id", _Pk, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("run_id", _Id, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("version_id", _Uuid, nullable=False),
    Column("run_type", _Word, nullable=False),
    Column("state", _Word, nullable=False),
    Column("logical_date", Moment),
    Column("scheduled_date", Moment),  # the logical date of a scheduled or backfill run, else null: made once
    Column("data_interval_start", Moment),
    Column("data_interval_end", Moment),
    Column("run_after", Moment, nullable=False),
    Column("queued_at", Moment, nullable=False),
    Column("start_date", Moment),
    Column("end_date", Moment),
    Column("even_if_paused", Boolean, nullable=False, server_default=false()),
    Column("conf", _Json, nullable=False),
    Column("note", Text),
    Column("reason", Text, nullable=False, server_default=_EMPTY),
    Column("backfill_id", _Pk),  # the backfill that made it, or let it go again
    Column("stopped_by", Text),  # why only its teardowns still run, and it ends failed
    UniqueConstraint("dag_id", "run_id"),
    UniqueConstraint("dag_id", "scheduled_date"),
    Index("ix_dag_run_state", "state"),
    Index("ix_dag_run_logical", "dag_id", "logical_date"),
    Index("ix_dag_run_newest", "run_after"),
    Index("ix_dag_run_newest_of_dag", "dag_id", "run_after"),
)

task_instance = Table(
    "task_instance",
    metadata,
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
    Column("due_at", Moment),
    Column("start_date", Moment),
    Column("end_date", Moment),
    Column("branch", _Json),
    Column("name", String(250)),  # of a mapped instance: what its map_index_template gave
    Column("reason", Text, nullable=False, server_default=_EMPTY),
    Column("note", Text),
    UniqueConstraint("run_pk", "task_id", "map_index"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _Uuid, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("ti_pk", _Pk),
    Column("run_pk", _Pk, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("physical_no", Integer, nullable=False),
    Column("executor", _Word, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("issued_epoch", Integer, nullable=False),
    Column("claimed_by", _Uuid),
    Column("claimed_at", Moment),
    Column("started_at", Moment),
    Column("revoked_at", Moment),
    Column("ended_at", Moment),
    Column("outcome", _Word),
    Column("reason", Text),
    Column("log_path", Text, nullable=False, server_default=_EMPTY),
    Column("host", String(255)),
    Column("pid", Integer),
    Column("open", Boolean),  # true until it ended, then null: what stands in for a partial index everywhere
    Index(
        "ix_attempt_open",
        "open",
        "shard",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
    Index("ix_attempt_ti", "ti_pk"),
)

xcom = Table(
    "xcom",
    metadata,
    Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
    Column("task_id", _Id, primary_key=True),
    Column("map_index", Integer, primary_key=True),
    Column("key", _Id, primary_key=True),
    Column("value", _Blob, nullable=False),
    Column("backend", _Word),
    Column("size", BigInteger, nullable=False),
    Column("length", Integer),
    Column("attempt_id", _Uuid),
    Column("at", Moment, nullable=False),
)

transition = Table(
    "transition",
    metadata,
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
    Column("at", Moment, nullable=False),
    Index("ix_transition_run", "run_pk"),
)

# -- the inbox's table door, and who is there
fact = Table(
    "fact",
    metadata,
    Column("seq", _Pk, primary_key=True, autoincrement=True),
    Column("shard", SmallInteger, nullable=False),
    Column("attempt_id", _Uuid, nullable=False),
    Column("session", _Uuid, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("body", _Blob, nullable=False),
    UniqueConstraint("attempt_id", "session", "n"),
)

command = Table(
    "command",
    metadata,
    Column("id", _Uuid, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("dag_id", _Id, nullable=False),
    Column("actor", String(250), nullable=False),
    Column("kind", _Word, nullable=False),
    Column("body", _Json, nullable=False),
    Column("at", Moment, nullable=False),
    Column("open", Boolean),  # true until it was applied or refused, then null
    Column("applied_at", Moment),
    Column("result", _Json),
    Column("refused_reason", Text),
    Index(
        "ix_command_open",
        "open",
        sqlite_where=text("open IS NOT NULL"),
        postgresql_where=text("open IS NOT NULL"),
    ),
)

problem = Table(
    "problem",
    metadata,
    Column("id", _Pk, primary_key=True),
    Column("run_pk", _Pk),
    Column("what", Text, nullable=False),
    Column("traceback", _Json, nullable=False),
    Column("at", Moment, nullable=False),
)

scheduler = Table(
    "scheduler",
    metadata,
    Column("id", _Uuid, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False),  # for people; never compared
    Column("ended_at", Moment),
)

shard = Table(
    "shard",
    metadata,
    Column("no", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", _Uuid),
    Column("epoch", Integer, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("session", _Uuid, primary_key=True),
    Column("kind", _Word, nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("beat_at", Moment),  # for people, as the scheduler's
    Column("ended_at", Moment),
)

# -- what people set -----------------------------------------------------------------------------------------
pool = Table(
    "pool",
    metadata,
    Column("name", _Id, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default=text("0")),
    Column("description", Text),
    Column("include_deferred", Boolean, nullable=False, server_default=false()),
)

variable = Table(
    "variable",
    metadata,
    Column("key", _Id, primary_key=True),
    Column("value", _Blob, nullable=False),  # encrypted
    Column("description", Text),
)

connection = Table(
    "connection",
    metadata,
    Column("conn_id", _Id, primary_key=True),
    Column("conn_type", _Word, nullable=False),
    Column("value", _Blob, nullable=False),  # encrypted JSON of all fields
    Column("description", Text),
)
