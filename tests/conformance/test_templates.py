"""Templates in an argument of a task: what the function gets, or that the task fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tradewind import DAG, PythonOperator
from tradewind.model.outcomes import Failed, Outcome, Succeeded
from tradewind.model.run import DataInterval

#: names of Airflow 2 that Tradewind still serves, with the value they had there
OLDER_NAMES = (
    "execution_date",
    "next_",
    "prev_ds",
    "prev_execution_date",
    "yesterday_ds",
    "tomorrow_ds",
    "test_mode",
    "dag_run.run_type",
)
#: how the harness names its DAGs and its run, by which a result may begin → the names here
NAMES = {r"^tp\d+": "d", r"^manual__x$": "r"}


def expected(case: dict[str, Any]) -> tuple[Any, str | None]:
    """What Airflow 3 gives, or Airflow 2 for the older names; with our names of the DAG and its run."""
    older = case.get("airflow_2_11_2")
    source = older if older and any(name in case["template"] for name in OLDER_NAMES) else case
    result = source["result"]
    if case.get("harness_dependent") and isinstance(result, str):
        for theirs, ours in NAMES.items():
            result = re.sub(theirs, ours, result)
    return result, source["type"]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_VAR_PLAIN", "hello")
    monkeypatch.setenv("TRADEWIND_VAR_JS", '{"a":{"b":[1,2]},"n":3}')
    monkeypatch.setenv("TRADEWIND_CONN_MYDB", "postgres://u:p%40ss@host:5432/sch?opt=1")


@pytest.mark.facts("templates.json")
def test_template_gives_what_it_gives_in_airflow(
    case: dict[str, Any], channel: Any, run_task: Callable[..., Outcome]
) -> None:
    channel.left("up", "other", 7)
    channel.left("up", "return_value", {"k": [1, "two"]})
    got: list[Any] = []
    with DAG(
        "d",
        schedule="@daily",
        start_date=datetime(2023, 1, 1),
        params={"p": 5, "q": {"r": "deep"}},
        user_defined_macros={"my_macro": lambda x: x * 2, "MYCONST": "C"},
        user_defined_filters={"shout": lambda text: text.upper() + "!"},
        default_args={"owner": "me"},
        render_template_as_native_obj=case["mode"] == "native",
    ) as dag:
        PythonOperator(task_id="t", python_callable=got.append, op_args=[case["template"]])

    outcome = run_task(
        dag,
        "t",
        logical_date=moment(case["logical_date"]),
        data_interval=DataInterval(*map(moment, case["data_interval"])),
        conf={"k": "cv"},
    )

    result, kind = expected(case)
    if kind is None:
        assert isinstance(outcome, Failed)
        return
    assert outcome == Succeeded()
    if kind == "Proxy":  # stands for the value there; here it is the value itself
        assert str(got[0]) == result
        return
    if "AssetEvent" in str(result):  # there and here a mapping with a name of its own, that is empty
        assert str(got[0]) == "{}"
        return
    plain = got[0] if not isinstance(got[0], (datetime, UUID)) else str(got[0])
    assert (plain, type(got[0]).__name__) == (result, kind)
