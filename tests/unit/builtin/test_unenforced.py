"""What a DAG asks for in vain is said."""

from __future__ import annotations

from tradewind.builtin.plugin import tradewind_check_dag
from tradewind.model.spec import DagSpec, TaskSpec, TimetableSpec


def test_a_dag_that_asks_for_nothing_special_gets_no_warning() -> None:
    daily = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})

    assert tradewind_check_dag(DagSpec(dag_id="d", tasks=(TaskSpec(task_id="a"),), timetable=daily)) == []


def test_what_will_not_happen_is_named_with_its_task_and_a_way_round() -> None:
    tasks = (TaskSpec(task_id="a", depends_on_past=True), TaskSpec(task_id="b", extra={"run_as_user": "ann"}))
    dag = DagSpec(
        dag_id="d",
        tasks=tasks,
        timetable=TimetableSpec(type="continuous"),
        callbacks=("on_failure_callback",),
    )

    found = tradewind_check_dag(dag)

    assert [it.task_id for it in found] == [None, None, "b"]
    assert "'continuous' is not followed yet" in found[0].message
    assert "on_failure_callback of the DAG" in found[1].message
    assert {it.severity for it in found} == {"warning"}
