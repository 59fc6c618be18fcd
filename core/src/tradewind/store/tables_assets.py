"""The tables of asset events, and of who waits for a run."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from tradewind.store.tables import Moment, attempt, dag_run, metadata

_Pk, _Id, _Uuid, _Json = dag_run.c.id.type, dag_run.c.dag_id.type, attempt.c.id.type, dag_run.c.conf.type
#: an asset's name or uri: ASCII, so that it fits into a key everywhere
_Name = String(1500).with_variant(String(1500, collation="ascii_bin"), "mysql", "mariadb")

# -- written by the owner of the shard of the DAG that updated the asset
asset_event = Table(
    "asset_event",
    metadata,
    Column("id", _Uuid, primary_key=True),
    Column("name", _Name, nullable=False),
    Column("uri", _Name, nullable=False),
    Column("at", Moment, nullable=False),
    Column("extra", _Json, nullable=False),
    Column(
        "dag_id", _Id, nullable=False
    ),  # empty where nobody's task made it; likewise the three that follow
    Column("run_id", _Id, nullable=False),
    Column("task_id", _Id, nullable=False),
    Column("map_index", Integer, nullable=False),
    Column("actor", String(250), nullable=False),
    Column("aliases", _Json, nullable=False),  # [name, ...]
    Index("ix_asset_event_name", "name", "id"),
    Index("ix_asset_event_at", "at"),
)

asset_alias = Table(
    "asset_alias",
    metadata,
    Column("alias", _Name, primary_key=True),
    Column("event_id", _Uuid, primary_key=True),  # which update said so
    Column("name", _Name, nullable=False),
    Column("uri", _Name, nullable=False),
)

# -- written by the owner of the shard of the DAG that waits for the asset
asset_pending = Table(
    "asset_pending",
    metadata,
    Column("dag_id", _Id, primary_key=True),
    Column("event_id", _Uuid, primary_key=True),
    Column("name", _Name, nullable=False),
    Column("uri", _Name, nullable=False),
    Column("at", Moment, nullable=False),
    Column("aliases", _Json, nullable=False),
)

asset_event_run = Table(
    "asset_event_run",
    metadata,
    Column("run_pk", _Pk, ForeignKey("dag_run.id", ondelete="CASCADE"), primary_key=True),
    Column("event_id", _Uuid, primary_key=True),
)

# -- written by the owner of the shard of the DAG that is waited for
run_watch = Table(
    "run_watch",
    metadata,
    Column("attempt_id", _Uuid, primary_key=True),
    Column("dag_id", _Id, nullable=False),
    Column("run_id", _Id, nullable=False),
    Column("asker", _Json, nullable=False),
    Column("request", _Json, nullable=False),
    Index("ix_run_watch_dag", "dag_id"),
)
