"""Timetables of plugins run in a process of their own, which may hang, die or lie without hurting anybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tradewind.app.clock import SystemClock
from tradewind.importing.planner import SidePlanner
from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec
from tradewind.ports.planner import TimetableAnswer, TimetableQuestion
from tradewind.scheduler.loop import Loop
from tradewind.timetables import Bounds

pytestmark = pytest.mark.integration

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
PLUGIN = """
import os, time
from datetime import timedelta
from tradewind.plugins import Component, hookimpl
from tradewind.timetables import PlannedRun, Timetable

class Odd(Timetable):
    def __init__(self, does):
        self.does = does

    def next_run(self, last, bounds, now):
        print("user code may print")
        start = now if last is None else last.end
        if self.does == "hang":
            time.sleep(600)
        if self.does == "die":
            os._exit(3)
        if self.does == "raise":
            raise LookupError("no moon")
        if self.does == "go back" and last is not None:
            start = last.start
        if self.does == "forget the zone":
            start = start.replace(tzinfo=None)
        if self.does == "tell the address":
            raise LookupError(os.environ.get("TRADEWIND__DATABASE__URL"))
        return PlannedRun.over(start, start + timedelta(hours=1))

@hookimpl
def tradewind_register_timetables():
    return [Component("odd", "odd_plugin:Odd")]
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which a package with the plugin is installed."""
    (tmp_path / "odd_plugin.py").write_text(PLUGIN)
    metadata = tmp_path / "odd-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tradewind]\nodd = odd_plugin\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path), "TRADEWIND__DATABASE__URL": "sqlite:///secret"}


@pytest.fixture
def planner(environ: dict[str, str]) -> Iterator[SidePlanner]:
    planner = SidePlanner(20, environ, hidden=("TRADEWIND__DATABASE__URL",))
    yield planner
    planner.close()


def question(does: str, number: int = 3) -> TimetableQuestion:
    return TimetableQuestion(
        timetable=TimetableSpec(type="odd", args={"does": does}), now=NOW, bounds=Bounds(), number=number
    )


def test_it_is_asked_and_answers(planner: SidePlanner) -> None:
    answer = planner.answer(question("well"))

    hours = [NOW + timedelta(hours=n) for n in range(4)]
    assert [run.interval for run in answer.runs] == [DataInterval(*it) for it in pairwise(hours)]
    assert planner.answer(TimetableQuestion(timetable=question("well").timetable, now=NOW, manual=NOW)) == (
        TimetableAnswer(manual=DataInterval(NOW, NOW))
    )


@pytest.mark.parametrize(
    ("does", "error"),
    [
        ("raise", "The timetable 'odd' failed: LookupError: no moon"),
        ("go back", "does not come after"),
        ("forget the zone", "has no time zone"),
        ("die", "ended without an answer"),
        ("tell the address", "LookupError: None"),
    ],
)
def test_what_it_does_wrong_is_the_answer_and_the_next_is_served(
    planner: SidePlanner, does: str, error: str
) -> None:
    assert error in planner.answer(question(does)).error
    assert len(planner.answer(question("well")).runs) == 3


def test_one_that_hangs_is_ended_while_the_loop_goes_on(environ: dict[str, str]) -> None:
    planner, loop = SidePlanner(4, environ), Loop(SystemClock())
    answers: list[TimetableAnswer] = []
    ticks: list[None] = []

    def tick() -> None:
        ticks.append(None)
        loop.later(0.05, tick)

    tick()
    planner.ask(question("hang"), answers.append, loop)
    planner.ask(question("raise"), answers.append, loop)
    while len(answers) < 2:
        loop.turn(0.5)
    planner.close()
    loop.close()

    assert "gave no answer within 4 s" in answers[0].error
    assert "no moon" in answers[1].error
    assert len(ticks) > 10


DAG_FILE = """
from datetime import datetime, timedelta
from tradewind import DAG, EmptyOperator
from tradewind.timetables import CronDataIntervalTimetable
from {module} import Odd

bare = DAG("bare", schedule="@daily", start_date=datetime(2024, 1, 1), catchup=True)
step = DAG("step", schedule=timedelta(hours=1), start_date=datetime(2024, 1, 1), catchup=True)
named = DAG("named", schedule=CronDataIntervalTimetable("@daily"), start_date=datetime(2024, 1, 1), catchup=True)
odd = Odd("well")
odd.name = "{name}"
odd.serialize = lambda: {{"does": "well"}}
odd_dag = DAG("odd", schedule=odd, start_date=datetime(2024, 1, 1), catchup=True)
"""


def imported(environ: dict[str, str], home: Path, name: str) -> tuple[str, dict[str, list[str]]]:
    """Import a folder by the command line; what it said, and when the first runs of each DAG are due."""
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "odd.py").write_text(DAG_FILE.format(module="odd_plugin", name=name))
    del environ["TRADEWIND__DATABASE__URL"]
    environ["TRADEWIND_HOME"] = str(home)
    command = [sys.executable, "-m", "tradewind", "dags"]
    said = subprocess.run([*command, "reserialize"], env=environ, capture_output=True, text=True, check=False)
    found = {}
    for dag_id in ("bare", "step", "named", "odd"):
        shown = subprocess.run(
            [*command, "next", dag_id, "-o", "json"], env=environ, capture_output=True, text=True, check=False
        )
        found[dag_id] = (
            [run["run_after"][:16] for run in json.loads(shown.stdout)] if shown.returncode == 0 else []
        )
    return said.stderr, found


def test_an_installation_where_bare_schedules_mean_trigger_times(
    environ: dict[str, str], tmp_path: Path
) -> None:
    environ["TRADEWIND__SCHEDULER__CREATE_CRON_DATA_INTERVALS"] = "false"
    environ["TRADEWIND__SCHEDULER__CREATE_DELTA_DATA_INTERVALS"] = "false"

    _, first = imported(environ, tmp_path / "home", "odd")

    assert (first["bare"], first["step"]) == (["2024-01-01T00:00"], ["2024-01-01T00:00"])
    assert first["named"] == ["2024-01-02T00:00"]
    assert len(first["odd"]) == 1


def test_a_timetable_that_no_plugin_registers_is_an_import_error(
    environ: dict[str, str], tmp_path: Path
) -> None:
    said, first = imported(environ, tmp_path / "home", "unheard_of")

    assert "DAG 'odd': no plugin registers the timetable 'unheard_of'" in said
    assert (first["odd"], first["bare"], first["step"]) == ([], ["2024-01-02T00:00"], ["2024-01-01T01:00"])
