"""Updates of assets in a turn: told to the DAGs that wait for them, kept until there are enough, and made into runs."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec

from tradewind.logic.assets import concerns, satisfied
from tradewind.logic.live_run import LiveRun
from tradewind.model.assets import AssetEvent, OutletEvent
from tradewind.model.facts import WatcherFired
from tradewind.model.messages import AssetUpdated
from tradewind.model.outcomes import Branched, Outcome, Succeeded
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.messages import post
from tradewind.scheduler.turn import Turn
from tradewind.store.tables import to_micros


def tell_of_outlets(turn: Turn, loading: Loading, run: LiveRun, number: int, outcome: Outcome) -> None:
    """A task instance succeeded: the assets among its outlets are updated."""
    task = run.task(number)
    if not task.outlets:
        return
    told = outcome.assets if isinstance(outcome, Succeeded | Branched) else ()
    extras = {(it.name, it.uri): it.extra for it in told if not it.alias}
    aliases = {outlet.name for outlet in task.outlets if outlet.kind == "alias"}
    by_alias = [it for it in told if it.alias in aliases]
    direct = {(it.name or it.uri, it.uri or it.name): None for it in task.outlets if it.kind != "alias"}
    source = AssetEvent(
        id="",
        name="",
        uri="",
        at=turn.now,
        dag_id=run.info.dag_id,
        run_id=run.info.run_id,
        task_id=task.task_id,
        map_index=run.map_index(number),
    )
    for name, uri in direct:
        extra = extras.get((name, uri), {})
        _update(turn, loading, source, OutletEvent(name=name, uri=uri, extra=extra), ())
    for event, ways in _grouped(by_alias):
        _update(turn, loading, source, event, ways)


def update_by_hand(
    turn: Turn, loading: Loading, name: str, uri: str, extra: dict[str, object], actor: str
) -> tuple[str, list[str]]:
    """Somebody says that an asset was updated: the event's id, and the DAGs that are told of it."""
    source = AssetEvent(id="", name="", uri="", at=turn.now, actor=actor)
    return _update(turn, loading, source, OutletEvent(name=name, uri=uri, extra=extra), ())


def tell_of_watched(turn: Turn, loading: Loading, fired: WatcherFired) -> None:
    """An asset's watcher has given an event. A triggerer that did not hear that it counted gives it again."""
    event_id, watched = fired.event_id, fired.watched
    if any(row["id"] == event_id for row in turn.batch.asset_events) or loading.has_asset_event(event_id):
        return
    turn.machine.cause = ("fact", event_id)
    extra = {"from_trigger": True, "payload": msgspec.json.decode(fired.payload)}
    source = AssetEvent(id=event_id, name="", uri="", at=turn.now, actor=f"watcher {watched.watcher}")
    _update(turn, loading, source, OutletEvent(name=watched.name, uri=watched.uri, extra=extra), ())


def take(turn: Turn, update: AssetUpdated) -> None:
    """A DAG is told of an update. While it is switched off, or no longer waits for the asset, it does not listen."""
    dag = turn.memory.dags.get(update.dag_id)
    if dag is None or dag.paused or dag.is_stale or dag.spec.asset_schedule is None:
        return
    if not concerns(dag.spec.asset_schedule, update):
        return
    turn.memory.updates.setdefault(dag.dag_id, []).append(update)
    turn.batch.asset_pending.append(
        {
            "dag_id": update.dag_id,
            "event_id": update.event_id,
            "name": update.name,
            "uri": update.uri,
            "at": to_micros(update.at),
            "aliases": json.dumps(update.aliases),
        }
    )
    make_run(turn, dag)


def make_run(turn: Turn, dag: LiveDag) -> None:
    """Make a run of the updates that the DAG has, where they are all that it waits for."""
    condition = dag.spec.asset_schedule
    updates = turn.memory.updates.get(dag.dag_id)
    if not updates or condition is None or dag.paused or dag.is_stale or not satisfied(condition, updates):
        return
    del turn.memory.updates[dag.dag_id]
    newest = max(it.at for it in updates)
    info = RunInfo(
        dag_id=dag.dag_id,
        run_id=f"asset_triggered__{newest.isoformat()}_{turn.around.new_id()[-8:]}",
        run_type=RunType.ASSET_TRIGGERED,
        logical_date=None,
        data_interval=None,
        run_after=newest,
        version_id=dag.version_id,
    )
    run = turn.create_run(dag, info)
    for update in updates:
        turn.batch.asset_used.append({"dag_id": dag.dag_id, "event_id": update.event_id})
        if concerns(condition, update):
            turn.batch.asset_links.append({"run_pk": run.pk, "event_id": update.event_id})


def _update(
    turn: Turn, loading: Loading, source: AssetEvent, event: OutletEvent, ways: tuple[str, ...]
) -> tuple[str, list[str]]:
    """Write one event, and tell those who wait for it.

    :param source: where it comes from; its id, where that is known already.
    """
    subscribers = loading.subscribers(turn.memory)
    event_id = source.id or turn.around.new_id()
    aliases, new = subscribers.known_aliases(event.name, event.uri, ways)
    subscribers.remember(event.name, event.uri, new)
    turn.batch.asset_aliases += [
        {"alias": alias, "event_id": event_id, "name": event.name, "uri": event.uri} for alias in new
    ]
    turn.batch.asset_events.append(
        {
            "id": event_id,
            "name": event.name,
            "uri": event.uri,
            "at": turn.micros,
            "extra": msgspec.json.encode(event.extra).decode(),
            "dag_id": source.dag_id,
            "run_id": source.run_id,
            "task_id": source.task_id,
            "map_index": source.map_index,
            "actor": source.actor[:250],
            "aliases": json.dumps(ways),
        }
    )
    told = subscribers.of(event.name, event.uri, aliases)
    for n, dag_id in enumerate(told):
        update = AssetUpdated(
            dag_id=dag_id, event_id=event_id, name=event.name, uri=event.uri, at=turn.now, aliases=aliases
        )
        post(turn, update, event_id, n)
    return event_id, told


def _grouped(events: Iterable[OutletEvent]) -> list[tuple[OutletEvent, tuple[str, ...]]]:
    """The same asset with the same extra by way of several aliases is one event."""
    found: dict[tuple[str, str, bytes], tuple[OutletEvent, dict[str, None]]] = {}
    for it in events:
        key = (it.name, it.uri, msgspec.json.encode(it.extra, order="sorted"))
        found.setdefault(key, (it, {}))[1][it.alias] = None
    return [(event, tuple(ways)) for event, ways in found.values()]
