"""Branches that choose by the clock, by the calendar, or in another Python."""

import sys
from datetime import UTC, datetime, time
from types import SimpleNamespace

import pytest

from tradewind import DAG, EmptyOperator, task
from tradewind.errors import ArgumentError
from tradewind.model.outcomes import Branched
from tradewind_standard import (
    BranchDateTimeOperator,
    BranchDayOfWeekOperator,
    BranchExternalPythonOperator,
    WeekDay,
)


class Told:
    """A running task instance that remembers what it was told."""

    def __init__(self, start_date):
        self.start_date = start_date
        self.outcome = None

    def decide(self, outcome):
        self.outcome = outcome


def choice(operator, now, logical_date=None):
    told = Told(now)
    run = SimpleNamespace(logical_date=logical_date, run_after=now)
    operator.execute({"ti": told, "dag_run": run})
    assert isinstance(told.outcome, Branched)
    return told.outcome.follow


def branch(kind, zone="UTC", **arguments):
    from zoneinfo import ZoneInfo

    with DAG("d", start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))):
        operator = kind(
            task_id="b", follow_task_ids_if_true="yes", follow_task_ids_if_false=["no", "maybe"], **arguments
        )
        operator >> [EmptyOperator(task_id=name) for name in ("yes", "no", "maybe")]
    return operator


YES, NO = ("yes",), ("no", "maybe")


@pytest.mark.parametrize(
    ("lower", "upper", "now", "follow"),
    [
        (datetime(2024, 1, 1), datetime(2024, 1, 3), "2024-01-02T00:00Z", YES),
        (datetime(2024, 1, 1), datetime(2024, 1, 3), "2024-01-03T00:00:01Z", NO),
        (datetime(2024, 1, 3, tzinfo=UTC), None, "2024-01-02T00:00Z", NO),
        (None, datetime(2024, 1, 3), "2020-01-01T00:00Z", YES),
        (time(9), time(17), "2024-01-02T12:00Z", YES),
        (time(9), time(17), "2024-01-02T17:00:01Z", NO),
        (time(22), time(2), "2024-01-02T23:00Z", YES),
        (time(22), time(2), "2024-01-02T01:00Z", YES),
        (time(22), time(2), "2024-01-02T12:00Z", NO),
        (datetime(2024, 1, 2), time(12), "2024-01-03T11:00Z", YES),
    ],
)
def test_a_branch_by_the_clock(lower, upper, now, follow):
    operator = branch(BranchDateTimeOperator, target_lower=lower, target_upper=upper)

    assert choice(operator, datetime.fromisoformat(now.replace("Z", "+00:00"))) == follow


def test_times_of_day_are_those_of_the_dags_time_zone():
    operator = branch(
        BranchDateTimeOperator, "America/New_York", target_lower=time(20), target_upper=time(23)
    )

    assert choice(operator, datetime(2024, 1, 3, 2, tzinfo=UTC)) == YES
    assert choice(operator, datetime(2024, 1, 3, 21, tzinfo=UTC)) == NO


def test_a_branch_without_any_bound_is_refused():
    with pytest.raises(ArgumentError, match="neither target_lower nor target_upper"):
        branch(BranchDateTimeOperator, target_lower=None, target_upper=None)


@pytest.mark.parametrize(
    ("days", "follow"),
    [
        ("Monday", YES),
        (" monday ", YES),
        (WeekDay.MONDAY, YES),
        ({"Tuesday", "MONDAY"}, YES),
        ([WeekDay.SATURDAY, WeekDay.SUNDAY], NO),
    ],
)
def test_a_branch_by_the_day_of_the_week(days, follow):
    operator = branch(BranchDayOfWeekOperator, week_day=days)

    assert choice(operator, datetime(2024, 1, 1, 12, tzinfo=UTC)) == follow


def test_the_day_can_be_that_of_the_logical_date_in_the_dags_time_zone():
    operator = branch(
        BranchDayOfWeekOperator, "Asia/Tokyo", week_day=WeekDay.MONDAY, use_task_logical_date=True
    )

    assert choice(operator, datetime(2024, 5, 5, tzinfo=UTC), datetime(2023, 12, 31, 20, tzinfo=UTC)) == YES
    assert choice(operator, datetime(2024, 5, 5, tzinfo=UTC), datetime(2024, 1, 1, 20, tzinfo=UTC)) == NO


def test_a_day_that_does_not_exist_is_refused():
    with pytest.raises(ArgumentError, match="'Mittwoch' is no day of the week"):
        branch(BranchDayOfWeekOperator, week_day="Mittwoch")


def test_a_function_in_another_python_chooses():
    def pick(number):
        return "a" if number > 1 else None

    with DAG("d") as dag:
        one = BranchExternalPythonOperator(
            task_id="one", python=sys.executable, python_callable=pick, op_args=[2]
        )

        @task.branch_external_python(python=sys.executable)
        def other(number):
            return ["a", "b"] if number else "b"

        other(1)
        one >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]

    for task_id, follow in (("one", ("a",)), ("other", ("a", "b"))):
        told = Told(None)
        operator = dag.get_task(task_id)
        operator.execute({"ti": told})
        assert operator.chooses
        assert told.outcome.follow == follow
