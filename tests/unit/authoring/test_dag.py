"""What a DAG file says becomes a spec, or an error that names the thing, the line and the cure."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tradewind import DAG, EmptyOperator, Param, PythonOperator, TaskGroup, chain
from tradewind.authoring.collector import collect
from tradewind.errors import ArgumentError, CycleError, DefinitionError, DuplicateTaskId, InvalidId, NotFound
from tradewind.model.spec import TimetableSpec
from tradewind.ports import runtime
from tradewind.timetables import CronTriggerTimetable, MultipleCronTriggerTimetable


class EveryDay:
    """Anything with a ``spec`` is a timetable."""

    def spec(self) -> TimetableSpec:
        return TimetableSpec(type="every_day", args={"hour": 3})


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, None),
        ("@once", TimetableSpec(type="once")),
        ("@continuous", TimetableSpec(type="continuous")),
        ("@daily", TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})),
        (
            "5 4 * * 1",
            TimetableSpec(type="cron_data_interval", args={"cron": "5 4 * * 1", "timezone": "UTC"}),
        ),
        (timedelta(hours=4), TimetableSpec(type="delta_data_interval", args={"seconds": 14400.0})),
        (EveryDay(), TimetableSpec(type="every_day", args={"hour": 3})),
    ],
)
def test_a_schedule_becomes_the_spec_of_a_timetable(schedule: Any, expected: TimetableSpec | None) -> None:
    assert DAG("d", schedule=schedule).spec().timetable == expected


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("@dayly", "'@daily'"),
        ("@reboot", "There is no schedule '@reboot'"),
        ("61 * * * *", "no cron expression"),
        ("", "no cron expression"),
        (timedelta(0), "never moves on"),
        (timedelta(seconds=-1), "never moves on"),
        (7, "is not understood"),
        (["asset"], "is not understood"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_at_its_line(schedule: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        DAG("d", schedule=schedule)

    assert str(caught.value).startswith(f"{__file__}:")


@pytest.mark.parametrize(
    ("zone", "name", "start"),
    [
        (None, "UTC", datetime(2024, 7, 1, tzinfo=UTC)),
        (UTC, "UTC", datetime(2024, 7, 1, tzinfo=UTC)),
        (ZoneInfo("Europe/Amsterdam"), "Europe/Amsterdam", datetime(2024, 6, 30, 22, tzinfo=UTC)),
        (timezone(timedelta(hours=-3, minutes=-30)), "-03:30", datetime(2024, 7, 1, 3, 30, tzinfo=UTC)),
    ],
)
def test_the_zone_of_the_start_date_is_the_dags(zone: Any, name: str, start: datetime) -> None:
    spec = DAG("d", schedule="@daily", start_date=datetime(2024, 7, 1, tzinfo=zone)).spec()

    assert spec.timezone == name
    assert spec.start_date == start
    assert spec.start_date.tzinfo is UTC
    assert spec.timetable is not None
    assert spec.timetable.args["timezone"] == name


def test_dates_without_a_zone_are_taken_in_the_dags() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    with DAG("d", start_date=datetime(2024, 7, 1, tzinfo=amsterdam), end_date=datetime(2024, 7, 9)) as dag:
        EmptyOperator(task_id="late", start_date=datetime(2024, 7, 2))
        EmptyOperator(task_id="early", start_date=datetime(2024, 6, 2))

    spec = dag.spec()

    assert spec.end_date == datetime(2024, 7, 8, 22, tzinfo=UTC)
    assert [task.start_date for task in spec.tasks] == [datetime(2024, 7, 1, 22, tzinfo=UTC), None]


def test_dates_and_timetables_without_a_zone_are_taken_in_the_default_one() -> None:
    with runtime.serve(runtime.EnvironmentRuntime({}, default_timezone="Europe/Amsterdam")):
        naive = DAG("a", schedule="0 6 * * *", start_date=datetime(2024, 7, 1)).spec()
        aware = DAG(
            "b", schedule=CronTriggerTimetable("0 6 * * *"), start_date=datetime(2024, 7, 1, tzinfo=UTC)
        ).spec()
        own = DAG("c", schedule=CronTriggerTimetable("0 6 * * *", timezone="Asia/Tokyo")).spec()
        several = DAG("e", schedule=MultipleCronTriggerTimetable("0 6 * * *", "0 7 * * *")).spec()

    assert (naive.timezone, naive.start_date) == ("Europe/Amsterdam", datetime(2024, 6, 30, 22, tzinfo=UTC))
    zones = [spec.timetable.args["timezone"] for spec in (naive, aware, own, several) if spec.timetable]
    assert zones == ["Europe/Amsterdam", "UTC", "Asia/Tokyo", "Europe/Amsterdam"]


def test_dates_in_default_args_are_the_dags_too() -> None:
    dag = DAG("d", default_args={"start_date": datetime(2024, 1, 1), "end_date": datetime(2024, 2, 1)})

    assert dag.spec().start_date == datetime(2024, 1, 1, tzinfo=UTC)
    assert dag.spec().end_date == datetime(2024, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_a_date_at_the_end_of_the_calendar_is_refused_where_utc_has_no_such_day(moment: datetime) -> None:
    zone = timezone(timedelta(hours=14 if moment.year == 1 else -12))
    with pytest.raises(DefinitionError, match="no place in the calendar"):
        DAG("d", start_date=moment.replace(tzinfo=zone)).spec()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shedule": "@daily"}, "takes no argument 'shedule'. Did you mean 'schedule'"),
        ({"schedule_interval": "@daily"}, "called schedule now"),
        ({"concurrency": 3}, "called max_active_tasks now"),
        ({"max_active_runs": -1}, "out of range"),
        ({"max_active_tasks": 0}, "out of range"),
        ({"catchup": "no"}, "True or False"),
        ({"start_date": "2024-01-01"}, "is a datetime"),
        ({"dagrun_timeout": timedelta(0)}, "no time at all"),
        ({"dagrun_timeout": timedelta(days=400_000)}, "longer than a hundred years"),
        ({"tags": [3]}, "a tag is text"),
        ({"tags": ["x" * 101]}, "a tag is text"),
        ({"default_args": ["retries"]}, "is a dict"),
        ({"on_failure_callback": print("")}, None),
        ({"on_failure_callback": "print"}, "without calling it"),
    ],
)
def test_arguments_of_a_dag_are_checked(arguments: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert DAG("d", **arguments).on_failure_callback is None
        return
    with pytest.raises(DefinitionError, match=message):
        DAG("d", **arguments)


def test_an_unknown_argument_is_a_type_error_as_for_any_call() -> None:
    with pytest.raises(TypeError):
        DAG("d", colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("dag_id", ["", "a b", "../etc", "a/b", "-a", ".", "naïve", "x" * 251, None, 7])
def test_an_id_that_cannot_be_is_refused(dag_id: Any) -> None:
    with pytest.raises(InvalidId, match=r"test_dag\.py:"):
        DAG(dag_id)


def test_a_circle_is_named_in_the_direction_of_its_arrows() -> None:
    with DAG("d") as dag:
        before, a, b, after = (EmptyOperator(task_id=name) for name in ("before", "a", "b", "after"))
        before >> a >> b >> a
        b >> after

    with pytest.raises(CycleError, match=r"circle: a >> b >> a\. Take one"):
        dag.spec()


def test_a_long_circle_is_named_in_short() -> None:
    with DAG("d") as dag:
        tasks = [EmptyOperator(task_id=f"t{number}") for number in range(5000)]
        chain(*tasks, tasks[0])

    with pytest.raises(CycleError) as caught:
        dag.spec()

    assert "circle: t0 >> t1 >> " in str(caught.value)
    assert str(caught.value).count(">>") < 15


def test_a_hundred_thousand_tasks_in_a_row_freeze_without_recursion() -> None:
    with DAG("d", schedule=None) as dag:
        chain(*[EmptyOperator(task_id=f"t{number}") for number in range(100_000)])

    spec = dag.spec()

    assert sys.getrecursionlimit() < 50_000
    assert spec.tasks[0].priority_weight == 100_000
    assert spec.tasks[-1].priority_weight == 1


def test_a_second_task_of_the_same_id_is_refused_with_both_lines() -> None:
    with DAG("d"):
        first = EmptyOperator(task_id="a")
        with pytest.raises(DuplicateTaskId) as caught:
            EmptyOperator(task_id="a")

    assert str(caught.value).startswith(f"{__file__}:{first.place.line + 2}: ")
    assert f"made at {__file__}:{first.place.line}" in str(caught.value)


def test_a_group_and_a_task_cannot_share_an_id() -> None:
    with DAG("d"):
        EmptyOperator(task_id="a")
        with pytest.raises(DuplicateTaskId, match="task group id 'a' is taken: the task made at"):
            TaskGroup("a")


def test_the_id_of_an_unknown_task_is_answered_with_near_ones() -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="train_model")

    with pytest.raises(NotFound, match="'train_model'"):
        dag.get_task("train_modle")


def test_tasks_are_found_by_their_place_in_the_dag() -> None:
    with DAG("d", default_args={"owner": "ada"}) as dag:
        first, second = EmptyOperator(task_id="first"), EmptyOperator(task_id="second", owner="bob")
        first >> second

    assert dag.roots == [first]
    assert dag.leaves == [second]
    assert dag.task_ids == ["first", "second"]
    assert dag.owner == dag.spec().owner == "ada, bob"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("downstream", [15, 10, 12, 8]), ("upstream", [1, 3, 5, 15]), ("absolute", [1, 2, 4, 8])],
)
def test_priorities_count_each_task_once(rule: str, expected: list[int]) -> None:
    with DAG("d", default_args={"weight_rule": rule}) as dag:
        a, b, c, d = (EmptyOperator(task_id=name, priority_weight=2**n) for n, name in enumerate("abcd"))
        a >> [b, c] >> d

    assert [task.priority_weight for task in dag.spec().tasks] == expected


def test_priorities_stay_within_what_the_store_keeps() -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="a", priority_weight=2**31 - 1) >> EmptyOperator(task_id="b")

    assert dag.spec().tasks[0].priority_weight == 2**31 - 1


def test_the_same_file_makes_the_same_spec() -> None:
    def build() -> DAG:
        with DAG("d", schedule="@daily", tags={"b", "a", "c"}, params={"x": 1}) as dag:
            a = EmptyOperator(task_id="a")
            a >> [EmptyOperator(task_id="b"), EmptyOperator(task_id="c")]
        return dag

    assert build().spec() == build().spec()
    assert build().spec().tags == ("a", "b", "c")


def test_a_misspelt_default_argument_is_told() -> None:
    with DAG("d", default_args={"retray_delay": 5, "python_callable": print, "catchup": True}) as dag:
        PythonOperator(task_id="a")

    with pytest.warns(UserWarning, match="none of its tasks takes") as told:
        dag.spec()

    assert sorted(str(warning.message).partition(": ")[2] for warning in told) == [
        "DAG 'd' has 'catchup' in its default_args, which none of its tasks takes. "
        "Give it to the DAG itself.",
        "DAG 'd' has 'retray_delay' in its default_args, which none of its tasks takes. "
        "Did you mean 'retry_delay' or 'max_retry_delay' or 'retry_policy'?",
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n": Param(0, type="integer", minimum=1)}, "0 is below the minimum 1"),
        ({"n": Param(type="integer")}, "has no default, but the DAG has a schedule"),
        ({"n": object()}, "plain JSON"),
        ({"n": float("nan")}, "plain JSON"),
        ({"n": Param("x", pattern="(")}, "no regular expression"),
        ({"n": Param(1, minimum="x")}, "minimum must be a number, not 'x'"),
        ({"n": Param(1, enum="abc")}, "enum must be a list"),
        ({"n": Param("x", type="strng")}, "there is no type 'strng'; known are string"),
    ],
)
def test_params_that_no_scheduled_run_could_use_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        DAG("d", schedule="@daily", params=params).spec()


def test_params_may_be_left_open_where_a_person_triggers_the_run() -> None:
    spec = DAG(
        "d", schedule=None, params={"n": Param(type="integer"), "s": Param(None, type="string")}
    ).spec()

    assert not spec.params["n"].has_default
    assert spec.params["s"].schema == {"type": "string"}


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(DefinitionError, match="before it starts"):
        DAG("d", start_date=datetime(2024, 2, 1), end_date=datetime(2024, 1, 1)).spec()


def _import(path: Path, text: str) -> ModuleType:
    path.write_text(text)
    module = ModuleType(path.stem)
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def test_every_dag_of_a_file_is_found_once_in_the_order_of_lines(tmp_path: Path) -> None:
    module = _import(
        tmp_path / "several.py",
        "from tradewind import DAG, dag, task\n"
        "def build(name):\n"
        "    with DAG(name):\n"
        "        pass\n"
        "@dag\n"
        "def decorated():\n"
        "    pass\n"
        "plain = DAG('plain')\n"
        "again = plain\n"
        "with DAG('held') as held:\n"
        "    pass\n"
        "build('made_inside')\n"
        "decorated()\n"
        "with DAG('hidden', auto_register=False):\n"
        "    pass\n",
    )

    assert [dag.dag_id for dag in collect(module)] == ["made_inside", "decorated", "plain", "held"]


def test_two_dags_of_one_id_in_a_file_are_refused_with_both_lines(tmp_path: Path) -> None:
    module = _import(tmp_path / "twins.py", "from tradewind import DAG\na = DAG('x')\nb = DAG('x')\n")

    with pytest.raises(DefinitionError) as caught:
        collect(module)

    assert str(caught.value).startswith(f"{tmp_path / 'twins.py'}:3: ")
    assert f"made at {tmp_path / 'twins.py'}:2 " in str(caught.value)


def test_a_module_that_imports_a_dag_from_another_holds_it_too(tmp_path: Path) -> None:
    module = ModuleType("user")
    module.shared = DAG("shared")  # type: ignore[attr-defined]

    assert [dag.dag_id for dag in collect(module)] == ["shared"]


def test_a_with_block_that_fails_leaves_no_dag_behind() -> None:
    with pytest.raises(RuntimeError), DAG("d"):
        raise RuntimeError

    with pytest.raises(ArgumentError):
        EmptyOperator()  # type: ignore[call-arg]
    assert EmptyOperator(task_id="alone").dag is None
