"""Events of assets as a running task sees them, and what it says of its outlets."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind.authoring.assets import Asset, AssetAlias, Metadata
from tradewind.authoring.signatures import call_in_context
from tradewind.errors import NotFound, SerializationError
from tradewind.model.assets import OutletEvent
from tradewind.ports.runtime import EnvironmentRuntime
from tradewind.runner.asset_events import InletEvents, OutletEvents, triggering

ORDERS = Asset("orders", uri="s3://shop/orders")
REPORTS = AssetAlias("reports")


def row(name: str, **fields: Any) -> dict[str, Any]:
    """An event as the scheduler answers."""
    return {
        "id": "1",
        "name": name,
        "uri": name,
        "at": "2024-01-02T03:04:05Z",
        "extra": {},
        "dag_id": "p",
        "run_id": "r",
        "task_id": "t",
        "map_index": -1,
        "aliases": [],
        "source_run": None,
        **fields,
    }


class Answering(EnvironmentRuntime):
    """Answers with rows, and remembers the questions."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        super().__init__({})
        self.rows = rows
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        self.asked.append((operation, arguments))
        return list(self.rows)


def test_a_task_says_what_there_is_to_say_of_its_outlets() -> None:
    events = OutletEvents([ORDERS, REPORTS, "a thing"])
    events[ORDERS].extra = {"rows": 3}
    events[REPORTS].add(Asset("x.csv"), extra={"n": 1})
    assert events.said() == (
        OutletEvent(name="orders", uri="s3://shop/orders", extra={"rows": 3}),
        OutletEvent(name="x.csv", uri="x.csv", extra={"n": 1}, alias="reports"),
    )
    assert events["orders"] is events["s3://shop/orders"] is events[Asset.ref(name="orders")]
    assert list(events) == [ORDERS, REPORTS]


def test_an_asset_that_is_no_outlet_is_an_error_that_names_the_cure() -> None:
    with pytest.raises(NotFound, match=r"outlets=\[Asset\(name='other'"):
        OutletEvents([ORDERS])[Asset("other")]


def test_an_extra_that_cannot_be_kept_is_told() -> None:
    events = OutletEvents([ORDERS])
    events[ORDERS].extra = {"what": object()}
    with pytest.raises(SerializationError, match="asset 'orders'"):
        events.said()


def test_add_is_for_aliases() -> None:
    with pytest.raises(TypeError, match="for an AssetAlias"):
        OutletEvents([ORDERS])[ORDERS].add(Asset("x"))


def test_what_a_function_yields_is_kept_and_what_it_returns_is_its_result() -> None:
    def work(**context: Any) -> Any:
        yield Metadata(ORDERS, {"rows": 3})
        yield Metadata(Asset("x"), {"n": 1}, alias=REPORTS)
        return "done"

    context = {"outlet_events": OutletEvents([ORDERS, REPORTS])}
    assert call_in_context(work, (), {}, context) == "done"
    assert [(it.name, it.extra, it.alias) for it in context["outlet_events"].said()] == [
        ("orders", {"rows": 3}, ""),
        ("x", {"n": 1}, "reports"),
    ]


def test_inlet_events_are_asked_for_once_and_only_when_they_are_looked_at() -> None:
    runtime = Answering(row("orders", extra={"n": 1}), row("orders", extra={"n": 2}))
    events = InletEvents([ORDERS], runtime)
    assert runtime.asked == []
    assert [it.extra["n"] for it in events[ORDERS]] == [1, 2]
    assert events.for_asset(name="orders")[-1].timestamp.isoformat() == "2024-01-02T03:04:05+00:00"
    assert runtime.asked == [("assets.events", {"name": "orders", "uri": "s3://shop/orders"})]
    with pytest.raises(NotFound, match="inlets="):
        events[Asset("other")]


def test_triggering_events_stand_under_their_assets_and_aliases() -> None:
    source = {"run_id": "r", "data_interval_start": "2024-01-01T00:00:00Z", "state": "success"}
    found = triggering(Answering(row("a", source_run=source), row("b", aliases=["reports"])))
    assert list(found) == [Asset("a"), Asset("b")]
    assert found[Asset("a")][0].source_dag_run.data_interval_start.isoformat() == "2024-01-01T00:00:00+00:00"
    assert [it.asset.name for it in found[REPORTS]] == ["b"]
    assert [it.asset.name for it in found[Asset.ref(name="a")]] == ["a"]
    with pytest.raises(KeyError):
        found[Asset("c")]
