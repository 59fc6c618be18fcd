"""Clear, mark, notes and versions on the command line: what is shown before, what is told after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from world import START, World

from tradewind.model.commands import TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import TriggerRule

TASKS = (
    TaskSpec(task_id="up", downstream=("work", "down"), is_setup=True),
    TaskSpec(task_id="work", downstream=("down", "after")),
    TaskSpec(task_id="down", is_teardown=True, trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS),
    TaskSpec(task_id="after"),
)


@pytest.fixture
def three_days(world: World) -> World:
    """The runs ``day0`` to ``day2`` of DAG ``d``; ``work`` failed in each; no scheduler runs."""
    world.add_dag(*TASKS)
    world.start()
    for day in range(3):
        date = START - timedelta(days=2 - day)
        world.send(TriggerRun(dag_id="d", run_id=f"day{day}", logical_date=date))
        world.executor.end("up")
        world.settle()
        world.executor.end("work", Failed("ValueError: no", retry="never"))
        world.settle()
        world.executor.end("down")
        world.settle()
    return world


def dry(tradewind, *words: str) -> list[tuple[str, str]]:
    said = tradewind(*words, "--dry-run", "-o", "json")
    assert said.code == 0, said.err
    return [(it["run_id"], it["task_id"]) for it in said.json]


def test_a_task_takes_its_setup_and_teardown_along(tradewind, three_days) -> None:
    assert dry(tradewind, "tasks", "clear", "d", "day1", "work") == [
        ("day1", "up"),
        ("day1", "work"),
        ("day1", "down"),
    ]
    assert [name for _, name in dry(tradewind, "runs", "clear", "d", "day1")] == [
        "up",
        "work",
        "down",
        "after",
    ]
    assert [name for _, name in dry(tradewind, "tasks", "clear", "d", "day1", "-f")] == [
        "up",
        "work",
        "down",
        "after",
    ]


def test_earlier_and_later_runs_can_be_meant_too(tradewind, three_days) -> None:
    def runs(*options: str) -> list[str]:
        return sorted({run for run, _ in dry(tradewind, "tasks", "clear", "d", "day1", "after", *options)})

    assert runs() == ["day1"]
    assert runs("--past") == ["day0", "day1"]
    assert runs("--future") == ["day1", "day2"]
    assert runs("--past", "--future") == ["day0", "day1", "day2"]
    words = ("tasks", "clear", "d", "--start-date", "2024-01-09", "--end-date", "2024-01-10")
    assert {run for run, _ in dry(tradewind, *words, "-t", "aft")} == {"day1"}
    assert dry(tradewind, "tasks", "clear", "d", "day1", "--only-running") == []


def test_a_task_is_marked_in_all_runs_at_once_and_what_failed_behind_it_goes_again(
    tradewind, three_days
) -> None:
    said = tradewind("tasks", "mark", "d", "day1", "work", "--state", "success", "--past", "-o", "json")

    assert [(it["run_id"], it["state"]) for it in said.json] == [("day0", "success"), ("day1", "success")]
    assert "goes again in day0: after" in said.err
    states = {
        it["task_id"]: it["state"] for it in tradewind("tasks", "states", "d", "day2", "-o", "json").json
    }
    assert states["work"] == "failed"
    assert tradewind("tasks", "mark", "d", "day1", "wrok", "--state", "success").code == 3


def test_a_note_is_written_shown_and_taken_away(tradewind, three_days) -> None:
    assert tradewind("runs", "note", "d", "day1", "asked by Bo", "-o", "json").json["note"] == "asked by Bo"
    assert tradewind("runs", "note", "d", "day1", "-o", "json").json["note"] == "asked by Bo"
    assert tradewind("tasks", "note", "d", "day1", "work", "slow", "-o", "json").json["note"] == "slow"
    shown = tradewind("runs", "show", "d", "day1", "-o", "json").json
    assert (shown["note"], [it["note"] for it in shown["task_instances"]]) == (
        "asked by Bo",
        [None, "slow", None, None],
    )
    assert tradewind("runs", "note", "d", "day1", "", "-o", "json").json["note"] is None
    assert tradewind("tasks", "note", "d", "day1", "nope", "x").code == 3


def test_a_clear_can_take_the_newest_version(tradewind, three_days) -> None:
    three_days.add_dag(TaskSpec(task_id="work", downstream=("report",)), TaskSpec(task_id="report"))

    words = ("tasks", "clear", "d", "day1", "-f", "--run-on-latest-version")
    assert dry(tradewind, *words) == [("day1", "work")]
    assert tradewind(*words, "--yes").code == 0
    states = {
        it["task_id"]: it["state"] for it in tradewind("tasks", "states", "d", "day1", "-o", "json").json
    }
    assert states == {"up": "removed", "work": None, "down": "removed", "after": "removed", "report": None}


def test_versions_say_what_they_changed(tradewind, three_days) -> None:
    daily = TimetableSpec(type="cron_data_interval", args={"expression": "@daily", "timezone": "UTC"})
    three_days.add_dag(*TASKS, TaskSpec(task_id="x"), TaskSpec(task_id="y"), timetable=daily)
    three_days.add_dag(
        *TASKS[:3], TaskSpec(task_id="after", retries=2), TaskSpec(task_id="x"), timetable=daily
    )

    versions = tradewind("dags", "versions", "d", "-o", "json").json
    assert [(it["version_number"], it["changes"]) for it in versions] == [
        (1, ""),
        (2, "schedule changed, 2 tasks added"),
        (3, "1 task changed, 1 task removed"),
    ]
    assert tradewind("dags", "diff", "d", "-o", "json").json == [
        {"subject": "task", "change": "changed", "name": "after.retries", "old": 0, "new": 2},
        {"subject": "task", "change": "removed", "name": "y", "old": None, "new": None},
    ]
    assert "d, version 1 to 3: schedule changed" in tradewind("dags", "diff", "d", "1").out
    assert "version 3 to 2: 1 task added" in tradewind("dags", "diff", "d", "3", "2").out
    assert "nothing changed" in tradewind("dags", "diff", "d", "2", "2").out
    assert tradewind("dags", "diff", "d", "7").code == 3


def test_a_run_is_deleted(tradewind, three_days) -> None:
    assert "Deleted the run day1" in tradewind("runs", "delete", "d", "day1", "--yes").err
    assert sorted(it["run_id"] for it in tradewind("runs", "list", "d", "-o", "json").json) == [
        "day0",
        "day2",
    ]
    assert tradewind("runs", "delete", "d", "day1").code == 3
