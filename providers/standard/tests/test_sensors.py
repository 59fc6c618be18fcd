"""What each sensor waits for, how it waits, and what it refuses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from tradewind import DAG, FailTask, PokeReturnValue, SkipTask, TaskDeferred
from tradewind.errors import DefinitionError, SensorTimeout, TaskDeferralError, TradewindError
from tradewind.model.connection import Connection
from tradewind.model.waits import FAIL
from tradewind.ports import runtime
from tradewind_standard import (
    BashSensor,
    DateTimeSensor,
    DateTimeSensorAsync,
    DateTimeTrigger,
    DayOfWeekSensor,
    ExternalTaskMarker,
    ExternalTaskSensor,
    FileSensor,
    FileTrigger,
    PythonSensor,
    TimeDeltaSensor,
    TimeDeltaTrigger,
    TimeSensor,
    WaitSensor,
)

NOW = datetime(2024, 3, 6, 10, 0, tzinfo=UTC)  # a Wednesday


def context(**fields):
    run = SimpleNamespace(
        logical_date=NOW - timedelta(days=1), data_interval_end=NOW - timedelta(hours=1), run_after=NOW
    )
    instance = SimpleNamespace(
        dag_id="d", task_id="s", run_id="r", try_number=1, map_index=-1, start_date=NOW, rounds=0
    )
    instance.get_first_reschedule_date = lambda _context: None
    clock = SimpleNamespace(now=lambda: NOW)
    given = {"ti": instance, "dag_run": run, "clock": clock, "logical_date": run.logical_date}
    return {**given, "task": SimpleNamespace(owner="ann"), **fields}


def deferred(sensor):
    """What the sensor waits for."""
    with pytest.raises(TaskDeferred) as signal:
        sensor.execute(context())
    return signal.value


@pytest.mark.parametrize(
    ("kind", "arguments", "moment"),
    [
        (DateTimeSensor, {"target_time": NOW + timedelta(minutes=1)}, NOW + timedelta(minutes=1)),
        (DateTimeSensor, {"target_time": "2024-03-06T11:00:00+00:00"}, NOW + timedelta(hours=1)),
        (TimeDeltaSensor, {"delta": timedelta(hours=2)}, NOW + timedelta(hours=1)),
        (TimeSensor, {"target_time": time(10, 30)}, NOW + timedelta(minutes=30)),
        (WaitSensor, {"time_to_wait": 5}, NOW + timedelta(minutes=5)),
        (WaitSensor, {"time_to_wait": timedelta(seconds=5)}, NOW + timedelta(seconds=5)),
    ],
)
def test_a_sensor_for_a_moment(kind, arguments, moment):
    sensor = kind(task_id="s", **arguments)
    late = context(clock=SimpleNamespace(now=lambda: moment))
    assert (sensor.poke(context()), sensor.poke(late)) == (False, True)

    signal = deferred(kind(task_id="s", deferrable=True, timeout=60, **arguments))
    assert signal.trigger.foreseen() == (moment, moment)
    assert signal.timeout == timedelta(seconds=60)


def test_a_moment_that_has_passed_is_not_waited_for():
    sensor = DateTimeSensorAsync(task_id="s", target_time=NOW - timedelta(seconds=1))
    assert sensor.execute(context()) is None


def test_the_time_of_day_is_that_of_the_dag():
    with DAG("d", start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))):
        sensor = TimeSensor(task_id="s", target_time=time(11, 30))
    assert sensor.moment(context()) == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("days", "there"), [("Wednesday", True), ({"monday", "WEDNESDAY"}, True), (["Tuesday"], False)]
)
def test_a_day_of_the_week(days, there):
    assert DayOfWeekSensor(task_id="s", week_day=days).poke(context()) is there


def test_the_day_of_the_run():
    sensor = DayOfWeekSensor(task_id="s", week_day="Tuesday", use_task_logical_date=True)
    assert sensor.poke(context())


def test_a_day_that_is_none():
    with pytest.raises(DefinitionError, match="'Someday' is no day of the week"):
        DayOfWeekSensor(task_id="s", week_day="Someday")


def test_a_file(tmp_path):
    sensor = FileSensor(task_id="s", filepath=tmp_path / "a" / "*.csv")
    assert not sensor.poke(context())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.csv").touch()
    assert sensor.poke(context())


def test_a_folder_counts_once_it_has_a_file(tmp_path):
    sensor = FileSensor(task_id="s", filepath=str(tmp_path / "a"))
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert not sensor.poke(context())
    (tmp_path / "a" / "b" / "c").touch()
    assert sensor.poke(context())


def test_a_file_below_the_path_of_the_connection(tmp_path):
    class Served(runtime.EnvironmentRuntime):
        def connection(self, conn_id):
            return Connection(conn_id=conn_id, conn_type="fs", extra=f'{{"path": "{tmp_path}"}}')

    (tmp_path / "x").touch()
    with runtime.serve(Served()):
        assert FileSensor(task_id="s", filepath="x").poke(context())


def test_a_file_that_is_waited_for_without_a_slot(tmp_path):
    sensor = FileSensor(task_id="s", filepath=str(tmp_path / "x"), deferrable=True, poke_interval=0.01)
    path, arguments = deferred(sensor).trigger.serialize()
    assert path == "tradewind_standard.triggers.file.FileTrigger"

    async def first():
        (tmp_path / "x").touch()
        return (await anext(FileTrigger(**arguments).run())).payload

    assert asyncio.run(first()) is True
    assert sensor.execute_complete(context(), event=True) is None


@pytest.mark.parametrize("returned", [True, 1, PokeReturnValue(True, "there")])
def test_a_function(returned):
    sensor = PythonSensor(
        task_id="s", python_callable=lambda a, b, ti: returned, op_args=[1], op_kwargs={"b": 2}
    )
    found = sensor.execute(context())
    assert found == (returned.xcom_value if isinstance(returned, PokeReturnValue) else None)


def test_a_command():
    assert BashSensor(task_id="s", bash_command="exit 0").poke(context())
    assert not BashSensor(task_id="s", bash_command="exit 3").poke(context())
    assert not BashSensor(task_id="s", bash_command="exit 3", retry_exit_code=3).poke(context())
    with pytest.raises(FailTask, match="exit code 4"):
        BashSensor(task_id="s", bash_command="exit 4", retry_exit_code=3).poke(context())


def test_a_trigger_can_be_made_again():
    trigger = TimeDeltaTrigger(timedelta(seconds=0))
    path, arguments = trigger.serialize()
    assert path.endswith(".DateTimeTrigger")

    async def first():
        return (await anext(DateTimeTrigger(**arguments).run())).payload

    assert asyncio.run(first()) == trigger.moment
    with pytest.raises(ValueError, match="no time zone"):
        DateTimeTrigger(datetime(2024, 1, 1))


class Asked(runtime.EnvironmentRuntime):
    """A system that says how the other DAG stands."""

    def __init__(self, verdict):
        super().__init__()
        self.verdict = verdict
        self.awaited = None

    def look_at_runs(self, awaited):
        self.awaited = awaited
        return self.verdict, "x is so"


def look(verdict, **arguments):
    system = Asked(verdict)
    sensor = ExternalTaskSensor(task_id="s", external_dag_id="o", poke_interval=0, timeout=0, **arguments)
    with runtime.serve(system):
        return sensor, system, lambda: sensor.execute(context())


@pytest.mark.parametrize(
    ("verdict", "arguments", "error"),
    [
        ("success", {}, None),
        ("waits", {}, SensorTimeout),
        ("failed", {}, TradewindError),
        ("failed", {"soft_fail": True}, SkipTask),
        ("skipped", {}, SkipTask),
        ("missing", {"check_existence": True}, TradewindError),
    ],
)
def test_another_dag(verdict, arguments, error):
    sensor, system, execute = look(verdict, external_task_ids=["a", "b"], **arguments)
    with runtime.serve(system):
        if error is None:
            execute()
        else:
            with pytest.raises(error):
                execute()
    assert system.awaited.task_ids == ("a", "b")
    assert system.awaited.logical_dates == (NOW - timedelta(days=1),)


@pytest.mark.parametrize(
    ("arguments", "dates"),
    [
        ({"execution_delta": timedelta(hours=1)}, [NOW - timedelta(days=1, hours=1)]),
        ({"execution_date_fn": lambda date: [date, NOW]}, [NOW - timedelta(days=1), NOW]),
        ({"execution_date_fn": lambda date, ti: ti.start_date}, [NOW]),
    ],
)
def test_runs_of_other_dates(arguments, dates):
    sensor = ExternalTaskSensor(task_id="s", external_dag_id="o", **arguments)
    assert list(sensor.awaited(context()).logical_dates) == dates


@pytest.mark.parametrize("arguments", [{"deferrable": True}, {"mode": "reschedule"}])
def test_another_dag_is_waited_for_without_a_slot(arguments):
    sensor = ExternalTaskSensor(task_id="s", external_dag_id="o", external_task_group_id="g", **arguments)
    with runtime.serve(Asked("waits")):
        awaited = deferred(sensor).trigger.foreseen()
    assert (awaited.dag_id, awaited.group_id) == ("o", "g")
    with pytest.raises(SkipTask):
        sensor.execute_complete(context(), {"status": "skipped", "reason": "x"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"external_task_id": "a", "external_task_ids": ["b"]},
            "Only one of external_task_id, external_task_ids",
        ),
        ({"execution_delta": timedelta(1), "execution_date_fn": lambda d: d}, "Only one of execution_delta"),
        ({"allowed_states": ["success"], "failed_states": ["success"]}, "success stands in more than one"),
        ({"allowed_states": ["skipped"]}, "'skipped' is no state of a run"),
        ({"external_task_id": "a", "failed_states": ["broken"]}, "'broken' is no state of a task"),
    ],
)
def test_what_an_external_task_sensor_refuses(arguments, words):
    with pytest.raises(DefinitionError, match=words):
        ExternalTaskSensor(task_id="s", external_dag_id="o", **arguments)


def test_a_marker_is_kept_with_the_dag():
    with DAG("d") as dag:
        ExternalTaskMarker(task_id="m", external_dag_id="o", external_task_id="t", recursion_depth=3)
    (spec,) = dag.spec().tasks
    assert spec.runs_code is False
    assert spec.extra["external_task_marker"] == {
        "dag_id": "o",
        "task_id": "t",
        "logical_date": "{{ logical_date.isoformat() }}",
        "recursion_depth": 3,
    }
    with pytest.raises(DefinitionError, match="recursion_depth is a positive integer"):
        ExternalTaskMarker(task_id="m", external_dag_id="o", external_task_id="t", recursion_depth=0)


@pytest.mark.parametrize(
    ("arguments", "timed_out", "error"),
    [
        ({}, True, SensorTimeout),
        ({"soft_fail": True}, True, SkipTask),
        ({"never_fail": True}, True, SkipTask),
        ({}, False, TaskDeferralError),
        ({"soft_fail": True}, False, TaskDeferralError),
        ({"never_fail": True}, False, SkipTask),
    ],
)
def test_a_wait_that_failed_counts_as_a_look_that_did(arguments, timed_out, error):
    sensor = FileSensor(task_id="s", filepath="x", deferrable=True, **arguments)
    with pytest.raises(error):
        sensor.resume_execution(FAIL, {"error": "nothing came", "timed_out": timed_out}, context())
