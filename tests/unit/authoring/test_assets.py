"""Assets as DAG files write them, and the spec that comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind import (
    DAG,
    Asset,
    AssetAlias,
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    AssetWatcher,
    Dataset,
    EmptyOperator,
    asset,
)
from tradewind.errors import DefinitionError
from tradewind.logic.assets import in_words, mentioned
from tradewind.model.assets import AssetSpec
from tradewind.serialization.specs import decode_spec, encode_spec
from tradewind.timetables import CronTriggerTimetable

A, B, C = Asset("a"), Asset("b"), Asset("c")


def schedule_of(schedule: Any) -> str:
    with DAG("d", schedule=schedule) as dag:
        EmptyOperator(task_id="t")
    spec = dag.spec()
    assert decode_spec(encode_spec(spec)) == spec
    assert spec.asset_schedule is not None
    return in_words(spec.asset_schedule)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (A, "a"),
        ([A], "a"),
        ([A, B], "a and b"),
        ((A, B), "a and b"),
        (A & B, "a and b"),
        (A | B, "a or b"),
        (A & B & C, "a and b and c"),
        (A | B & C, "a or (b and c)"),
        ((A | B) & C, "(a or b) and c"),
        ([A | B, C], "(a or b) and c"),
        (AssetAll(A, AssetAny(B, C)), "a and (b or c)"),
        ([AssetAlias("x"), A], "alias x and a"),
        (Asset.ref(name="a") | Asset.ref(uri="s3://b/x"), "a or s3://b/x"),
    ],
)
def test_a_schedule_on_assets(schedule: Any, words: str) -> None:
    assert schedule_of(schedule) == words


def test_a_schedule_on_assets_or_time_has_both() -> None:
    with DAG("d", schedule=AssetOrTimeSchedule(timetable="@daily", assets=[A, B])) as dag:
        EmptyOperator(task_id="t")
    spec = dag.spec()
    assert spec.timetable is not None
    assert spec.timetable.args["cron"] == "@daily"
    assert spec.asset_schedule is not None
    assert in_words(spec.asset_schedule) == "a and b"


def test_a_timetable_stands_beside_assets_as_well() -> None:
    timetable = CronTriggerTimetable("0 1 * * 3", timezone="UTC")
    with DAG("d", schedule=AssetOrTimeSchedule(timetable=timetable, assets=A | B)) as dag:
        EmptyOperator(task_id="t")
    assert dag.spec().timetable == timetable.spec()


@pytest.mark.parametrize("schedule", [[A, "b"], [A, "@daily"], [], ["a"]])
def test_a_schedule_that_mixes_assets_with_other_things_is_refused(schedule: Any) -> None:
    with pytest.raises(DefinitionError, match="not understood"):
        DAG("d", schedule=schedule)


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("s3://bucket/key/", "s3://bucket/key"),
        ("S3://bucket/key", "s3://bucket/key"),
        ("postgres://host/db?b=2&a=1#part", "postgres://host/db?a=1&b=2"),
        ("https://host", "https://host/"),
        ("x-Mine://Any/thing/", "x-Mine://Any/thing/"),
        ("just a name", "just a name"),
        ("/some/path/", "/some/path/"),
    ],
)
def test_the_same_place_is_the_same_uri(given: str, uri: str) -> None:
    assert Asset(uri=given).uri == uri


def test_name_and_uri_stand_in_for_each_other() -> None:
    assert (Asset("orders").name, Asset("orders").uri) == ("orders", "orders")
    assert Asset(uri="s3://b/").name == "s3://b/"
    assert Asset("o", "s3://b/x") == Asset("o", uri="s3://b/x/") != Asset("o")
    assert len({Asset("o"), Asset("o"), AssetAlias("o")}) == 2
    assert Dataset is Asset


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Asset(), "name or a uri"),
        (lambda: Asset(""), "may not be empty"),
        (lambda: Asset("  "), "may not be empty"),
        (lambda: Asset("größe"), "ASCII"),
        (lambda: Asset("x" * 1501), "1501 characters"),
        (lambda: Asset(7), "is text"),  # type: ignore[arg-type]
        (lambda: Asset("self"), "may not be named 'self'"),
        (lambda: Asset(uri="airflow://x"), "reserved"),
        (lambda: Asset("a", watchers=["w"]), "AssetWatcher"),  # type: ignore[list-item]
        (lambda: AssetAlias(""), "AssetAlias"),
        (lambda: Asset.ref(), "one of the two"),
        (lambda: AssetAll(A, "b"), r"write Asset\('b'\)"),  # type: ignore[arg-type]
        (lambda: AssetWatcher("w", trigger="t"), "serialize"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_asset_is_refused_with_its_place(make: Any, says: str) -> None:
    with pytest.raises(DefinitionError, match=says) as refused:
        make()
    assert "test_assets.py:" in str(refused.value)


def test_a_password_does_not_stay_in_a_uri() -> None:
    with pytest.warns(UserWarning, match="password"):
        assert Asset(uri="postgres://ann:secret@host/db").uri == "postgres://host/db"


def test_outlets_and_inlets_are_in_the_spec_and_other_things_are_not() -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="t", outlets=[A, A, AssetAlias("x"), "a thing"], inlets=B)
    (task,) = dag.spec().tasks
    assert task.outlets == (AssetSpec(name="a", uri="a"), AssetSpec(kind="alias", name="x"))
    assert task.inlets == (AssetSpec(name="b", uri="b"),)


def test_one_name_for_two_uris_is_refused() -> None:
    with DAG("d", schedule=[Asset("a", "s3://one")]) as dag:
        EmptyOperator(task_id="t", outlets=Asset("a", "s3://two"))
    with pytest.raises(DefinitionError, match="two assets named 'a'"):
        dag.spec()


class FileTrigger:
    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "mine.FileTrigger", {"path": "/tmp/x"}


def test_watchers_are_in_the_spec() -> None:
    watched = Asset("a", watchers=[AssetWatcher("w", trigger=FileTrigger())])
    with DAG("d", schedule=[watched]) as dag:
        EmptyOperator(task_id="t")
    spec = dag.spec()
    assert spec.asset_schedule is not None
    (found,) = mentioned(spec.asset_schedule)
    assert (found.watchers[0].trigger, found.watchers[0].kwargs) == ("mine.FileTrigger", {"path": "/tmp/x"})


def test_a_function_under_asset_is_a_dag_of_one_task() -> None:
    @asset(schedule="@daily", uri="s3://shop/orders", group="shop", retries=2, tags=["x"])
    def orders(self: Any, context: Any, customers: Any, limit: int = 3) -> None:
        """All orders."""

    assert (orders.name, orders.uri, orders.group) == ("orders", "s3://shop/orders", "shop")
    spec = orders.dag.spec()
    (task,) = spec.tasks
    assert (spec.dag_id, spec.doc_md, spec.tags) == ("orders", "All orders.", ("x",))
    assert (task.task_id, task.operator, task.retries) == ("orders", "@asset", 2)
    assert task.outlets == (AssetSpec(name="orders", uri="s3://shop/orders", group="shop"),)
    assert task.inlets == (AssetSpec(kind="name", name="customers"),)
    assert schedule_of([orders]) == "orders"


def test_a_function_under_asset_multi_makes_several() -> None:
    @asset.multi(schedule=None, outlets=[A, B])
    def both() -> None: ...

    (task,) = both.dag.spec().tasks
    assert [it.name for it in task.outlets] == ["a", "b"]
    assert schedule_of(both) == "a and b"


def test_asset_without_parentheses_is_refused_clearly() -> None:
    with pytest.raises(DefinitionError, match="goes before a function"):
        asset(schedule=None)(7)  # type: ignore[arg-type]
