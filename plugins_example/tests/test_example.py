"""The example does what it says, by way of the manager that loads any plugin."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from tradewind import DAG
from tradewind.authoring.hook import BaseHook
from tradewind.model.run import DataInterval
from tradewind.model.spec import DagSpec
from tradewind.plugins import ImportPreparation
from tradewind.plugins.manager import PluginManager
from tradewind.timetables import Bounds
from tradewind.timetables.planning import runs_ahead
from tradewind_example import plugin
from tradewind_example.timetable import TIDE


@pytest.fixture
def manager():
    made = PluginManager(strict=True)
    made.register(plugin, "example")
    return made


def test_everything_it_lists_can_be_imported(manager):
    (report,) = manager.describe()

    for kind, names in report.brings.items():
        if kind not in ("command", "setting"):
            for name in names:
                assert manager.get(kind, name) is not None
    assert [one.item.load()([]) for one in manager.commands()] == [0]
    assert [one.item.name for one in manager.settings()] == ["example.town"]


def test_its_decorator_and_its_macro(manager):
    @manager.get("task_decorator", "fahrenheit")
    def boiling():
        return 100

    with DAG("d") as dag:
        boiling()

    assert dag.task_dict["boiling"].execute({}) == 212
    assert manager.get("macro", "example.fahrenheit")(0) == 32


def test_its_operator(manager):
    operator = manager.get("operator", "MeasureOperator")
    assert operator(task_id="m", town="Hoorn").execute({}) == 5.0


def test_its_hook_reads_its_connection(manager, monkeypatch):
    monkeypatch.setenv("TRADEWIND_CONN_HARBOUR", "weather://tide.example:8080?station=pier")

    hook = manager.get("hook", "weather")("harbour")

    assert isinstance(hook, BaseHook)
    assert hook.get_conn() == "http://tide.example:8080/pier"


def test_its_notifier(manager, capsys):
    with DAG("d") as dag:
        task = manager.get("operator", "MeasureOperator")(task_id="m", town="Hoorn")

    manager.get("notifier", "flag")("storm over {{ task.town }}")({"dag": dag, "task": task})

    assert capsys.readouterr().out == "the flag says: storm over Hoorn\n"


def test_its_timetable(manager):
    first = datetime(2024, 1, 1, tzinfo=UTC)
    kind = manager.get("timetable", "high_tide")
    tides = kind.deserialize(kind(first).spec().args)

    planned = list(islice(runs_ahead(tides, None, Bounds(), first), 3))

    assert [run.interval.start - first for run in planned] == [0 * TIDE, 1 * TIDE, 2 * TIDE]
    late = tides.next_run(planned[0].interval, Bounds(catchup=False), first + 9 * TIDE + TIDE / 2)
    assert late.interval == DataInterval(first + 8 * TIDE, first + 9 * TIDE)
    assert tides.manual_interval(first + 9.5 * TIDE) == late.interval


def test_its_check_speaks_of_its_own_dags_only(manager):
    assert manager.check_dag(DagSpec(dag_id="d")) == []
    (finding,) = manager.check_dag(DagSpec(dag_id="d", tags=("weather",)))
    assert "needs a description" in finding.item.message


def test_it_prepares_the_process(manager, monkeypatch):
    monkeypatch.setenv("WEATHER_PROCESS", "")
    monkeypatch.delenv("WEATHER_PROCESS")

    manager.prepare_import(ImportPreparation(process="importer"))

    import os

    assert os.environ["WEATHER_PROCESS"] == "importer"
