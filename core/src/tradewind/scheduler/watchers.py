"""Which watchers of assets are to watch: those of the assets that a DAG which is switched on is scheduled on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tradewind.logic.assets import mentioned
from tradewind.model.assets import Watched, WatcherSpec
from tradewind.scheduler.memory import LiveDag
from tradewind.serialization.values import encode

_NAMESPACE = uuid.UUID("5b0f6a0e-5f0b-5a55-9d3e-0a6d1f0c7b11")


@dataclass(frozen=True, slots=True)
class Watching:
    """A watcher that is to watch.

    :param version_id: the DAG version whose files its trigger may come from.
    :param kwargs: the trigger's, in typed JSON.
    """

    id: str
    watched: Watched
    version_id: str
    classpath: str
    kwargs: str


class Watchers:
    """An index of the watchers of DAGs that are switched on. Several DAGs may name the same one: it watches once, with the
    files of the first of them; another version of that DAG, or another trigger, is another watch."""

    def __init__(self) -> None:
        self.all: dict[str, Watching] = {}
        self._by_dag: dict[str, tuple[str, dict[str, Watching]]] = {}  # version, and by what they are

    def look_at(self, dag: LiveDag) -> bool:
        """The DAG may have changed; whether that makes a difference to anybody."""
        condition = dag.spec.asset_schedule
        before = self._by_dag.get(dag.dag_id)
        if condition is None or dag.paused or dag.is_stale:
            return before is not None and self._without(dag.dag_id)
        if before is not None and before[0] == dag.version_id:
            return False
        found = {
            it.id: it
            for asset in mentioned(condition)
            for watcher in asset.watchers
            for it in (
                _watching(Watched(name=asset.name, uri=asset.uri, watcher=watcher.name), watcher, dag),
            )
        }
        if not found:
            return before is not None and self._without(dag.dag_id)
        self._by_dag[dag.dag_id] = (dag.version_id, found)
        return self._settle()

    def _without(self, dag_id: str) -> bool:
        del self._by_dag[dag_id]
        return self._settle()

    def _settle(self) -> bool:
        """Each watcher once: whichever DAGs name it, the first has it."""
        known: dict[tuple[Watched, str, str], Watching] = {}
        for dag_id in sorted(self._by_dag):
            for it in self._by_dag[dag_id][1].values():
                known.setdefault((it.watched, it.classpath, it.kwargs), it)
        new = {it.id: it for it in known.values()}
        changed = new.keys() != self.all.keys()
        self.all = new
        return changed


def _watching(watched: Watched, spec: WatcherSpec, dag: LiveDag) -> Watching:
    kwargs = encode(spec.kwargs).decode()
    what = "\0".join(
        (watched.name, watched.uri, watched.watcher, spec.trigger, kwargs, dag.dag_id, dag.version_id)
    )
    return Watching(str(uuid.uuid5(_NAMESPACE, what)), watched, dag.version_id, spec.trigger, kwargs)
