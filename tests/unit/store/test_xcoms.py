"""XComs, looked up as tasks pull them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradewind.ports.runtime import XComQuery
from tradewind.store.batch import Batch
from tradewind.store.engine import Store
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository

from .samples import xcom_row

NewRun = Callable[..., tuple[int, list[int]]]


def test_xcoms_come_in_the_order_of_the_tasks_asked_for_then_of_map_index(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pk, _ = new_run()
    writer.write(
        Batch(
            xcoms=[
                xcom_row(pk, "b", b"b"),
                *(xcom_row(pk, "m", b"%d" % index, map_index=index) for index in (10, 2, 0)),
                xcom_row(pk, "a", b"a"),
                xcom_row(pk, "a", b"k", key="k"),
            ]
        )
    )
    writer.commit()

    def pull(**query: Any) -> list[bytes]:
        asked = {"dag_id": "d", "run_id": "r1", "key": "return_value"} | query
        return [one.value for one in XComRepository(store).find(XComQuery(**asked))]

    assert pull(task_ids=("m", "a")) == [b"0", b"2", b"10", b"a"]
    assert pull(task_ids=("m",), map_indexes=(10, 0)) == [b"0", b"10"]
    assert pull() == [b"a", b"b", b"0", b"2", b"10"]
    assert pull(key="k") == [b"k"]
    assert pull(run_id="unknown") == []
    assert pull(task_ids=("a", "a", "b")) == [b"a", b"b"]
    assert pull(task_ids=()) == []


def test_with_prior_dates_the_newest_run_that_has_any_answers(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pks = [new_run(f"d{day}", day=day)[0] for day in range(4)]
    writer.write(Batch(xcoms=[xcom_row(pks[0], "a", b"0"), xcom_row(pks[1], "a", b"1")]))
    writer.write(Batch(xcoms=[xcom_row(pks[3], "a", b"3"), xcom_row(pks[2], "a", b"2", key="other")]))
    writer.commit()

    def pull(run_id: str, prior: bool) -> list[bytes]:
        query = XComQuery(dag_id="d", run_id=run_id, key="return_value", include_prior_dates=prior)
        return [one.value for one in XComRepository(store).find(query)]

    assert pull("d2", prior=True) == [b"1"]
    assert pull("d2", prior=False) == []
    assert pull("d3", prior=True) == [b"3"]


def test_values_that_a_backend_holds_are_listed(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, _ = new_run()
    writer.write(Batch(xcoms=[xcom_row(pk, "a", b"ref", backend="file"), xcom_row(pk, "b", b"1")]))
    writer.commit()
    (spilled,) = XComRepository(store).spilled([pk])
    assert (spilled.task_id, spilled.backend, spilled.reference) == ("a", "file", b"ref")
