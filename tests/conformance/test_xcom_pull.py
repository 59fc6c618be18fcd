"""``ti.xcom_pull`` in a task behind others that left values, or did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradewind import DAG, PythonOperator
from tradewind.model.outcomes import Outcome, Succeeded

#: what the tasks before it leave behind, as the file's "about" tells
LEFT = [
    ("a", "k", "pushed"),
    ("a", "dup", 1),
    ("a", "dup", 2),
    ("a", "none", None),
    ("a", "return_value", "ret_a"),
    ("c", "return_value", {"x": 1, "y": [2]}),
    ("mo", "p", 1),
    ("mo", "q", None),
    ("mo", "return_value", {"p": 1, "q": None}),
    ("typed", "m", 9),
    ("typed", "return_value", {"m": 9}),
    ("fl", "before_fail", "kept"),
]
MAPPED = {"falsy": [0, "", False, [], {}], "m": [0, None, 20]}


@pytest.mark.facts("xcom_pull.json")
def test_xcom_pull_finds_what_it_finds_in_airflow(
    case: dict[str, Any], channel: Any, run_task: Callable[..., Outcome]
) -> None:
    for left in LEFT:
        channel.left(*left)
    for task_id, values in MAPPED.items():
        for index, value in enumerate(values):
            if value is not None:
                channel.left(task_id, "return_value", value, index)
    pull = dict(case["pull"])
    if case.get("task_ids_is_tuple"):
        pull["task_ids"] = tuple(pull["task_ids"])
    pulled: list[Any] = []
    with DAG("d", schedule=None) as dag:
        PythonOperator(task_id="last", python_callable=lambda ti: pulled.append(ti.xcom_pull(**pull)))

    assert run_task(dag, "last") == Succeeded()
    assert (pulled, type(pulled[0]).__name__) == ([case["result"]], case["type"])
