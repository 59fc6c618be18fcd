"""What Airflow refuses when a DAG is defined is refused, in clearer words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradewind import DAG, EmptyOperator, task
from tradewind.authoring.decorated import TaskFactory


def case_name(case: dict[str, Any]) -> str:
    return str(case["name"])


@task
def _needs_an_argument(x: int) -> None: ...


def _circle() -> None:
    a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
    a >> b >> a


def _list_to_list() -> None:
    a, b, c = (EmptyOperator(task_id=name) for name in "abc")
    [a, b] >> [c]  # type: ignore[operator]


def _call(factory: TaskFactory) -> Callable[[], Any]:
    return lambda: factory()


#: case → (how it is written, the Python class that Airflow's error is at bottom, words of ours)
_WRITTEN: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "tf_missing_arg": (_call(_needs_an_argument), TypeError, "missing a required argument: 'x'"),
    "tf_cycle": (_circle, ValueError, "a >> b >> a"),
    "tf_bad_task_id": (lambda: EmptyOperator(task_id="a b"), ValueError, "task id 'a b' may only be made of"),
    "tf_list_to_list": (_list_to_list, TypeError, "unsupported operand"),
}


def _is_wrong(case: dict[str, Any]) -> bool:
    return case["name"].startswith("tf_") and "definition_error" in case["expect"]


@pytest.mark.facts("task_runtime.json", only=_is_wrong)
def test_it_is_refused_here_too(case: dict[str, Any]) -> None:
    write, kind, words = _WRITTEN[case["name"]]

    with pytest.raises(kind, match=words):  # noqa: PT012 - a circle is seen when the whole file is
        with DAG("d") as dag:
            write()
        dag.spec()
