"""Timetables of plugins run in a process of their own, which may hang, die or lie without hurting anybody."""

from __future__ import annotations

import os
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
    assert [run.interval for run in answer.runs] == [
        DataInterval(*it) for it in pairwise(hours)
    ]
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
