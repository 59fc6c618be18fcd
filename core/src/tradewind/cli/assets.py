"""``tradewind assets``: what DAGs make and wait for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tradewind.cli.arguments import dag_id, json_object, run_id
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import run_record
from tradewind.errors import Refused

if TYPE_CHECKING:
    from tradewind.store.assets import EventWithRun
    from tradewind.store.catalogue import AssetCatalogue, KnownAsset

_COLUMNS = ("name", "uri", "group", "active", "producers", "consumers")
_EVENT_COLUMNS = ("id", "name", "timestamp", "source_dag_id", "source_run_id", "source_task_id", "extra")


def _catalogue(invocation: Invocation) -> AssetCatalogue:
    from tradewind.store.catalogue import AssetCatalogue

    return AssetCatalogue(invocation.system.store)


def _record(known: KnownAsset) -> dict[str, Any]:
    spec = known.spec
    return {
        "name": spec.name or spec.uri,
        "uri": spec.uri,
        "group": spec.group,
        "kind": "alias" if spec.kind == "alias" else "asset",
        "extra": spec.extra,
        "active": known.active,
        "producers": [f"{dag}.{task}" for dag, task in known.producers],
        "readers": [f"{dag}.{task}" for dag, task in known.readers],
        "consumers": known.consumers,
        "watchers": [watcher.name for watcher in spec.watchers],
    }


def _event_record(found: EventWithRun) -> dict[str, Any]:
    event = found.event
    return {
        "id": event.id,
        "name": event.name,
        "uri": event.uri,
        "timestamp": event.at,
        "extra": event.extra,
        "source_dag_id": event.dag_id or None,
        "source_run_id": event.run_id or None,
        "source_task_id": event.task_id or None,
        "source_map_index": event.map_index,
        "source_aliases": list(event.aliases),
        "actor": event.actor or None,
    }


def _declare_list(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that no DAG mentions any more")
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    found = [_record(it) for it in _catalogue(invocation).all() if it.active or given.all]
    invocation.printer.records(
        found, _COLUMNS, "There are no assets yet: tasks name what they make by outlets=[Asset(...)]."
    )


def _name_place(parser: Parser) -> None:
    parser.place("name", "name or uri of the asset")


def _declare_show(parser: Parser) -> None:
    _name_place(parser)
    parser.output()


def _show(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store.assets import AssetRepository

    known = _catalogue(invocation).get(given.name)
    newest = AssetRepository(invocation.system.store).events(
        name=known.spec.name, uri=known.spec.uri, limit=1
    )
    last = newest[0].event.at if newest and known.spec.kind == "asset" else None
    invocation.printer.record({**_record(known), "last_event": last})


def _declare_events(parser: Parser) -> None:
    parser.place(
        "name", "name or uri of the asset, or name of an alias; left out, all of them", optional=True
    )
    parser.add_argument("--dag-id", type=dag_id, metavar="DAG", help="only those that tasks of this DAG made")
    parser.add_argument("--run-id", type=run_id, metavar="RUN", help="only those of this run of it")
    parser.limit(100)
    parser.output()


def _events(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store.assets import AssetRepository

    by: dict[str, Any] = {}
    if given.name is not None:
        spec = _catalogue(invocation).get(given.name).spec
        by = (
            {"alias": spec.name}
            if spec.kind == "alias"
            else {"name": spec.name or None, "uri": spec.uri or None}
        )
    if given.run_id is not None and given.dag_id is None:
        raise Refused("--run-id needs --dag-id: a run's id is unique in its DAG alone.")
    if given.dag_id is not None:
        by["source"] = (given.dag_id, given.run_id)
    events = AssetRepository(invocation.system.store).events(**by, limit=given.limit)
    invocation.printer.records(
        [_event_record(it) for it in events], _EVENT_COLUMNS, "There are no such events."
    )


def _declare_trigger(parser: Parser) -> None:
    _name_place(parser)
    parser.add_argument(
        "-e", "--extra", type=json_object, metavar="JSON", help="what there is to say of the update"
    )
    parser.output()


def _trigger(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import CreateAssetEvent

    spec = _asset(invocation, given.name)
    command = CreateAssetEvent(name=spec.name, uri=spec.uri, extra=given.extra or {})
    result = invocation.command(command, goes_on=True)
    invocation.printer.record({"name": spec.name, "uri": spec.uri, **result})


def _asset(invocation: Invocation, name: str) -> Any:
    known = _catalogue(invocation).get(name)
    if known.spec.kind != "asset":
        raise Refused(f"{name!r} is an alias, or is only referred to: name an asset that a DAG defines.")
    if not known.active:
        raise Refused(f"Asset {name!r} is not active: no DAG mentions it any more.")
    return known.spec


def _declare_materialize(parser: Parser) -> None:
    _name_place(parser)
    parser.add_argument(
        "-c", "--conf", type=json_object, metavar="JSON", help="what the run is given as its conf"
    )
    parser.output()


def _materialize(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import TriggerRun

    known = _catalogue(invocation).get(given.name)
    makers = sorted({dag for dag, _ in known.producers})
    if len(makers) != 1:
        several = f"several DAGs make it: {', '.join(makers)}. Trigger one with `tradewind dags trigger`."
        raise Refused(f"Asset {given.name!r}: {several if makers else 'no DAG makes it.'}")
    result = invocation.command(TriggerRun(dag_id=makers[0], conf=given.conf or {}), goes_on=True)
    if invocation.system.dags.get(makers[0]).paused:
        invocation.say(f"The DAG is switched off; the run waits for `tradewind dags unpause {makers[0]}`.")
    run = invocation.system.runs.get(makers[0], result["run_id"])
    invocation.printer.record(run_record(run), leave_out=("end_date", "duration", "reason", "start_date"))


COMMANDS = (
    Command(
        "list",
        "list the assets, with the tasks that make them and the DAGs that wait for them",
        _declare_list,
        _list,
    ),
    Command("show", "show an asset", _declare_show, _show),
    Command("events", "list updates of assets, newest first", _declare_events, _events),
    Command("trigger", "say that an asset was updated", _declare_trigger, _trigger),
    Command("materialize", "make a run of the DAG that makes an asset", _declare_materialize, _materialize),
)
