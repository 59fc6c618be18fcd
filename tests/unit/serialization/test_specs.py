"""Specs to JSON and back, and what differs between two."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tradewind.errors import SerializationError
from tradewind.model.spec import DagSpec, GroupSpec, ParamSpec, TaskSpec, TimetableSpec
from tradewind.model.states import TriggerRule
from tradewind.serialization.specs import Difference, decode_spec, differences, encode_spec, spec_hash

GOLDEN = Path(__file__).parent / "golden_spec.json"


def weather() -> DagSpec:
    return DagSpec(
        dag_id="weather",
        tasks=(
            TaskSpec(
                task_id="fetch",
                operator="PythonOperator",
                downstream=("etl.clean",),
                retries=2,
                retry_delay=30.0,
            ),
            TaskSpec(
                task_id="etl.clean",
                trigger_rule=TriggerRule.NONE_FAILED,
                group_id="etl",
                inputs=(("fetch", "return_value"),),
                start_date=datetime(2026, 2, 1, tzinfo=UTC),
                extra={"sla": [1, {"b": 2, "a": None}]},
            ),
        ),
        timetable=TimetableSpec(type="cron", args={"expression": "0 2 * * *", "timezone": "Europe/Paris"}),
        timezone="Europe/Paris",
        start_date=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        tags=("b", "a"),
        params={"city": ParamSpec(default="Oslo", schema={"type": "string"})},
        groups=(GroupSpec(group_id="etl"),),
        edge_labels=(("fetch", "etl.clean", "raw"),),
        file="reports/weather.py",
        line=12,
    )


def test_a_spec_comes_back_as_it_went_in():
    spec = weather()
    assert decode_spec(encode_spec(spec)) == spec
    assert decode_spec(encode_spec(DagSpec(dag_id="bare"))) == DagSpec(dag_id="bare")


def test_the_text_is_the_one_that_is_stored_today():
    """Stored versions must stay readable: a changed text means a changed format, which needs a new version number."""
    assert encode_spec(weather()) == GOLDEN.read_text(encoding="utf-8").strip()


def test_the_stored_text_of_today_is_read():
    assert decode_spec(GOLDEN.read_text(encoding="utf-8")) == weather()


def test_defaults_are_left_out_and_keys_sorted():
    document = json.loads(encode_spec(DagSpec(dag_id="bare", tasks=(TaskSpec(task_id="a"),))))
    assert document == {"version": 1, "dag": {"dag_id": "bare", "tasks": [{"task_id": "a"}]}}
    keys = list(json.loads(encode_spec(weather()))["dag"])
    assert keys == sorted(keys)


def test_the_order_of_a_dict_does_not_matter():
    one = replace(weather(), extra={"a": 1, "b": 2})
    other = replace(weather(), extra={"b": 2, "a": 1})
    assert spec_hash(one) == spec_hash(other)


def test_a_newer_version_is_refused_with_the_cure():
    with pytest.raises(SerializationError, match=r"version 2.*Upgrade"):
        decode_spec('{"version": 2, "dag": {"dag_id": "x"}}')


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "nonsense", '{"version": 1}', '{"version": 1, "dag": {"tasks": 3}}']
)
def test_what_is_no_spec_is_refused(text):
    with pytest.raises(SerializationError, match="Import the DAG file"):
        decode_spec(text)


def test_a_value_that_is_no_data_is_named_with_its_place():
    spec = replace(weather(), params={"city": ParamSpec(default=object())})
    with pytest.raises(SerializationError, match=r"weather\.params\.city\.default is of type object"):
        encode_spec(spec)


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(SerializationError, match=r"extra\.limit is nan"):
        encode_spec(replace(weather(), extra={"limit": float("nan")}))


def with_task(spec: DagSpec, index: int, **changes: object) -> DagSpec:
    tasks = list(spec.tasks)
    tasks[index] = replace(tasks[index], **changes)  # type: ignore[arg-type]
    return replace(spec, tasks=tuple(tasks))


def test_differences_are_named_as_people_would():
    old = weather()
    new = with_task(replace(old, start_date=None, catchup=True), 1, retries=5)
    assert differences(old, new) == [
        Difference("catchup", False, True),
        Difference("start_date", old.start_date, None),
        Difference("tasks.etl.clean.retries", 0, 5),
    ]


def test_equal_specs_do_not_differ():
    assert differences(weather(), weather()) == []


def test_a_changed_schedule_is_named():
    old = weather()
    cron = replace(
        old,
        timetable=TimetableSpec(type="cron", args={"expression": "0 3 * * *", "timezone": "Europe/Paris"}),
    )
    assert differences(old, cron) == [Difference("schedule.expression", "0 2 * * *", "0 3 * * *")]
    assert [d.path for d in differences(old, replace(old, timetable=None))] == ["schedule"]


def test_tasks_that_come_and_go_are_one_difference():
    old = weather()
    new = with_task(old, 0, task_id="fetch_2")
    assert differences(old, new) == [Difference("tasks", ("fetch",), ("fetch_2",))]


def test_another_order_of_the_tasks_is_a_difference():
    old = weather()
    found = differences(old, replace(old, tasks=old.tasks[::-1]))
    assert found == [Difference("tasks", ("fetch", "etl.clean"), ("etl.clean", "fetch"))]


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("start_date", replace(weather(), start_date=datetime(2020, 1, 1, tzinfo=UTC))),
        ("tasks.etl.clean.retries", with_task(weather(), 1, retries=7)),
        ("tasks.fetch", with_task(weather(), 0, retries=7)),
        (
            "schedule.expression",
            replace(weather(), timetable=TimetableSpec(type="cron", args={"timezone": "Europe/Paris"})),
        ),
        ("schedule", replace(weather(), timetable=None)),
        (
            "params.city.default",
            replace(weather(), params={"city": ParamSpec(default="Rome", schema={"type": "string"})}),
        ),
    ],
)
def test_ignored_paths_do_not_change_the_hash(path, changed):
    ignoring = frozenset({path})
    assert spec_hash(weather()) != spec_hash(changed)
    assert spec_hash(weather(), ignoring) == spec_hash(changed, ignoring)


def test_ignoring_one_path_keeps_the_others():
    ignoring = frozenset({"tasks.etl.clean.retries"})
    assert spec_hash(weather(), ignoring) != spec_hash(with_task(weather(), 0, retries=9), ignoring)
