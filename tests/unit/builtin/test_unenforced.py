"""What a DAG asks for in vain is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradewind.builtin.plugin import tradewind_check_dag
from tradewind.model.spec import DagSpec, TaskSpec, TimetableSpec

DAY = datetime(2025, 1, 1, tzinfo=UTC)


def _cron(expression: str) -> TimetableSpec:
    return TimetableSpec(type="cron_data_interval", args={"cron": expression, "timezone": "UTC"})


def test_a_dag_that_asks_for_nothing_special_gets_no_warning() -> None:
    daily = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})

    assert tradewind_check_dag(DagSpec(dag_id="d", tasks=(TaskSpec(task_id="a"),), timetable=daily)) == []


def test_what_will_not_happen_is_named_with_its_task_and_a_way_round() -> None:
    tasks = (TaskSpec(task_id="a", depends_on_past=True), TaskSpec(task_id="b", extra={"run_as_user": "ann"}))
    dag = DagSpec(
        dag_id="d",
        tasks=tasks,
    )

    found = tradewind_check_dag(dag)

    assert [it.task_id for it in found] == ["b"]
    assert {it.severity for it in found} == {"warning"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"timetable": _cron("0 0 30 2 *")}, "the schedule '0 0 30 2 *' has no run:"),
        (
            {"timetable": _cron("0 0 29 2 *"), "start_date": DAY, "end_date": DAY + timedelta(days=300)},
            "the schedule '0 0 29 2 *' has no run from 2025-01-01 to 2025-10-28",
        ),
        ({"timetable": TimetableSpec(type="events", args={"event_dates": []})}, "'0 events' has no run"),
    ],
)
def test_a_schedule_that_never_comes_to_pass_is_said(fields: dict[str, Any], message: str) -> None:
    (found,) = tradewind_check_dag(DagSpec(dag_id="d", **fields))

    assert message in found.message
    assert found.severity == "warning"
