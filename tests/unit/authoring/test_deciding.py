"""Operators that decide what goes on behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tradewind import (
    DAG,
    BaseBranchOperator,
    BranchPythonOperator,
    EmptyOperator,
    LatestOnlyOperator,
    ShortCircuitOperator,
    TaskGroup,
    task,
)
from tradewind.errors import DefinitionError
from tradewind.logic.latest import is_latest
from tradewind.model.outcomes import Branched
from tradewind.model.states import RunType

MakeContext = Callable[..., dict[str, Any]]


@pytest.fixture
def made() -> DAG:
    with DAG("d") as dag:
        branch = BranchPythonOperator(task_id="branch", python_callable=lambda choice: choice)
        with TaskGroup("group") as group:
            first, other = EmptyOperator(task_id="first"), EmptyOperator(task_id="other")
            EmptyOperator(task_id="second") << first
        branch >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b"), group]
        other >> EmptyOperator(task_id="far")
    return dag


@pytest.mark.parametrize(
    ("choice", "follow"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        (("b",), ("b",)),
        ("group", ("group.first", "group.other")),
        (["a", "group"], ("a", "group.first", "group.other")),
        ("far", ("far",)),
        (None, ()),
        ([], ()),
    ],
)
def test_a_branch_follows_what_was_chosen(
    made: DAG, choice: Any, follow: tuple[str, ...], context: MakeContext, Told: type[Any]
) -> None:
    told = Told()
    branch = made.get_task("branch")
    branch.op_args = (choice,)  # type: ignore[attr-defined]

    assert branch.execute(context(told)) == choice
    assert isinstance(told.outcome, Branched)
    assert (told.outcome.follow, told.outcome.scope) == (follow, "direct")
    assert told.outcome.reason


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("first", "no task or task group of that id. Did you mean 'group.first'"),
        ("aa", "Did you mean 'a'"),
        ("nowhere", "Directly behind the branch: a, b, group.first, group.other"),
        (7, "must return a task id, a list of task ids, or None, not 7"),
        ([None], "must return a task id"),
        (False, "must return a task id"),
    ],
)
def test_a_branch_to_nowhere_fails_and_says_where_it_could_go(
    made: DAG, choice: Any, message: str, context: MakeContext, Told: type[Any]
) -> None:
    told = Told()
    branch = made.get_task("branch")
    branch.op_args = (choice,)  # type: ignore[attr-defined]

    with pytest.raises(DefinitionError, match=message):
        branch.execute(context(told))
    assert told.outcome is None


def test_branches_can_be_classes_and_functions_too(context: MakeContext, Told: type[Any]) -> None:
    class Choose(BaseBranchOperator):
        def choose_branch(self, context: Any) -> str:
            return "a"

    @task.branch
    def choose(ds: str | None = None) -> str:
        return "a" if ds else "b"

    with DAG("d"):
        operators = [Choose(task_id="class"), choose().operator]
        operators >> EmptyOperator(task_id="a")

    for operator in operators:
        told = Told()
        assert operator.execute(context(told)) == "a"
        assert told.outcome == Branched(follow=("a",), reason=f"{operator.task_id} chose a")


@pytest.mark.parametrize(
    ("value", "ignore", "scope"),
    [
        (True, True, None),
        ("yes", True, None),
        (False, True, "all"),
        ([], True, "all"),
        (None, False, "direct"),
    ],
)
def test_a_short_circuit_ends_the_way_where_the_result_is_falsy(
    value: Any, ignore: bool, scope: str | None, context: MakeContext, Told: type[Any]
) -> None:
    @task.short_circuit(ignore_downstream_trigger_rules=ignore)
    def go() -> Any:
        return value

    with DAG("d"):
        operators = [
            ShortCircuitOperator(
                task_id="s", python_callable=lambda: value, ignore_downstream_trigger_rules=ignore
            ),
            go().operator,
        ]

    for operator in operators:
        told = Told()
        assert operator.execute(context(told)) == value
        assert (told.outcome.scope if isinstance(told.outcome, Branched) else None) == scope


@pytest.mark.parametrize(
    ("schedule", "run_type", "hours", "goes_on"),
    [
        ("@daily", RunType.SCHEDULED, 24, True),
        ("@daily", RunType.SCHEDULED, 48, True),
        ("@daily", RunType.SCHEDULED, 49, False),
        ("@daily", RunType.BACKFILL, 49, False),
        ("@daily", RunType.MANUAL, 49, True),
        (timedelta(hours=1), RunType.SCHEDULED, 26, False),
        (None, RunType.SCHEDULED, 1000, True),
    ],
)
def test_only_the_latest_run_goes_on(
    schedule: Any, run_type: RunType, hours: int, goes_on: bool, context: MakeContext, Told: type[Any]
) -> None:
    start = datetime(2024, 5, 1, tzinfo=UTC)
    end = start + (schedule if isinstance(schedule, timedelta) else timedelta(days=1))
    with DAG("d", schedule=schedule):
        operator = LatestOnlyOperator(task_id="latest")
    told = Told(start_date=start + timedelta(hours=hours))
    run = SimpleNamespace(run_type=run_type, logical_date=start, run_after=end)

    operator.execute(context(told, dag_run=run, data_interval_start=start, data_interval_end=end))

    assert (told.outcome is None) is goes_on
    if not goes_on:
        assert isinstance(told.outcome, Branched)
        assert (told.outcome.follow, told.outcome.scope) == ((), "direct")


def test_without_a_next_interval_every_run_is_the_latest() -> None:
    start = datetime(2024, 5, 1, tzinfo=UTC)

    assert is_latest(RunType.SCHEDULED, start, None, start + timedelta(days=900))
