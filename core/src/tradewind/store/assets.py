"""Assets: which there are, by what DAGs say, and the events that tell of their updates."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, bindparam, or_, select

from tradewind.model.assets import AssetEvent
from tradewind.model.messages import AssetUpdated
from tradewind.store.engine import Store
from tradewind.store.rows import RunWatchRow
from tradewind.store.tables import dag, dag_run, dag_version
from tradewind.store.tables_assets import asset_alias, asset_event, asset_event_run, asset_pending, run_watch

#: Fields with their default are left out of a stored spec: one without these words says nothing of assets.
_WORDS = ('"outlets":', '"inlets":', '"asset_schedule":')


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWithRun:
    """An event, and the run of the task that it comes from, as far as that run is still there."""

    event: AssetEvent
    source_run: dict[str, Any] | None = field(default=None)


class AssetRepository:
    """Looks assets up; the scheduler alone writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def versions_with_assets(self) -> list[tuple[str, str]]:
        """(dag_id, version_id) of the DAGs whose present version says something of assets; none whose file is gone."""
        says = or_(*(dag_version.c.spec.like(f"%{word}%") for word in _WORDS))
        query = (
            select(dag.c.dag_id, dag.c.version_id)
            .join(dag_version, dag_version.c.id == dag.c.version_id)
            .where(dag.c.is_stale.is_(False), says)
            .order_by(dag.c.dag_id)
        )
        with self._store.read() as connection:
            return [(row.dag_id, row.version_id) for row in connection.execute(query)]

    def updated(self) -> list[tuple[str, str]]:
        """(name, uri) of all assets that have events."""
        query = select(asset_event.c.name, asset_event.c.uri).distinct()
        with self._store.read() as connection:
            return [(row.name, row.uri) for row in connection.execute(query)]

    def aliases(self) -> dict[tuple[str, str], set[str]]:
        """By (name, uri) of an asset: the aliases by way of which it was ever updated."""
        found: dict[tuple[str, str], set[str]] = {}
        query = select(asset_alias.c.name, asset_alias.c.uri, asset_alias.c.alias).distinct()
        with self._store.read() as connection:
            for row in connection.execute(query):
                found.setdefault((row.name, row.uri), set()).add(row.alias)
        return found

    def events(
        self,
        *,
        name: str | None = None,
        uri: str | None = None,
        alias: str | None = None,
        source: tuple[str, str | None] | None = None,
        limit: int | None = 100,
    ) -> list[EventWithRun]:
        """Events, newest first.

        :param alias: of updates by way of this alias alone.
        :param source: (dag_id, run_id or ``None`` for any): of this DAG's tasks.
        """
        query = _EVENTS.order_by(asset_event.c.id.desc()).limit(limit)
        if name is not None:
            query = query.where(asset_event.c.name == name)
        if uri is not None:
            query = query.where(asset_event.c.uri == uri)
        if alias is not None:
            query = query.where(asset_event.c.aliases.contains(json.dumps(alias), autoescape=True))
        if source is not None:
            query = query.where(asset_event.c.dag_id == source[0])
            if source[1] is not None:
                query = query.where(asset_event.c.run_id == source[1])
        with self._store.read() as connection:
            return [_event_of(row) for row in connection.execute(query)]

    def has(self, event_id: str) -> bool:
        """Whether there is an event of this id."""
        with self._store.read() as connection:
            return connection.execute(_ONE, {"event_id": event_id}).first() is not None

    def events_of_run(self, run_pk: int) -> list[EventWithRun]:
        """The events that made a run, in the order in which they came about."""
        made = select(asset_event_run.c.event_id).where(asset_event_run.c.run_pk == run_pk)
        query = _EVENTS.where(asset_event.c.id.in_(made)).order_by(asset_event.c.id)
        with self._store.read() as connection:
            return [_event_of(row) for row in connection.execute(query)]

    def runs_of_event(self, event_id: str) -> list[tuple[str, str]]:
        """(dag_id, run_id) of the runs that an event made, or had a part in."""
        query = (
            select(dag_run.c.dag_id, dag_run.c.run_id)
            .join(asset_event_run, asset_event_run.c.run_pk == dag_run.c.id)
            .where(asset_event_run.c.event_id == event_id)
            .order_by(dag_run.c.id)
        )
        with self._store.read() as connection:
            return [(row.dag_id, row.run_id) for row in connection.execute(query)]

    def pending(self, dag_id: str | None = None) -> dict[str, list[AssetUpdated]]:
        """By DAG: the updates that it has been told of and that have not made a run yet."""
        query: Select[Any] = select(asset_pending).order_by(asset_pending.c.event_id)
        if dag_id is not None:
            query = query.where(asset_pending.c.dag_id == dag_id)
        found: dict[str, list[AssetUpdated]] = {}
        with self._store.read() as connection:
            for row in connection.execute(query).mappings():
                update = AssetUpdated(**{**row, "aliases": tuple(json.loads(row["aliases"]))})
                found.setdefault(update.dag_id, []).append(update)
        return found

    def run_watches(self) -> list[RunWatchRow]:
        """Who waits for which run."""
        with self._store.read() as connection:
            return [RunWatchRow(**row) for row in connection.execute(select(run_watch)).mappings()]


_ONE = select(asset_event.c.id).where(asset_event.c.id == bindparam("event_id"))
_EVENTS = select(
    asset_event,
    dag_run.c.id.label("run_pk"),
    dag_run.c.state,
    dag_run.c.logical_date,
    dag_run.c.data_interval_start,
    dag_run.c.data_interval_end,
    dag_run.c.start_date,
    dag_run.c.end_date,
).outerjoin(dag_run, (dag_run.c.dag_id == asset_event.c.dag_id) & (dag_run.c.run_id == asset_event.c.run_id))


def _event_of(row: Row[Any]) -> EventWithRun:
    event = AssetEvent(
        id=row.id,
        name=row.name,
        uri=row.uri,
        at=row.at,
        extra=json.loads(row.extra),
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        map_index=row.map_index,
        actor=row.actor,
        aliases=tuple(json.loads(row.aliases)),
    )
    if row.run_pk is None:
        return EventWithRun(event=event)
    names = ("dag_id", "run_id", "state", "logical_date", "data_interval_start", "data_interval_end")
    return EventWithRun(
        event=event, source_run={name: getattr(row, name) for name in (*names, "start_date", "end_date")}
    )
