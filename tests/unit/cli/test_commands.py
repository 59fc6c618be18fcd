"""What people ask for from the command line, with no scheduler running."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tradewind.model.commands import TriggerRun
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec
from tradewind.model.states import RunState
from tradewind.timetables import CronDataIntervalTimetable


def states(tradewind, dag_id: str = "umbrella", run_id: str = "r") -> dict[str, str | None]:
    return {
        it["task_id"]: it["state"] for it in tradewind("tasks", "states", dag_id, run_id, "-o", "json").json
    }


def test_a_triggered_run_is_recorded_and_waits_for_a_scheduler(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    said = tradewind(
        "dags",
        "trigger",
        "d",
        "--conf",
        '{"n": 1}',
        "--run-id",
        "mine",
        "--logical-date",
        "2024-02-01",
        "-o",
        "json",
    )
    assert said.code == 0
    assert "No scheduler is running: recorded; it will go on when `tradewind up` runs." in said.err
    assert said.json["run_id"] == "mine"
    assert said.json["state"] == "queued"
    assert said.json["conf"] == {"n": 1}
    assert said.json["logical_date"] == "2024-02-01T00:00:00.000000+00:00"
    again = tradewind("dags", "trigger", "d", "--run-id", "mine", "-o", "json")
    assert again.code == 1
    assert "already" in again.json["error"]["message"]


def test_a_date_without_an_offset_is_one_of_the_default_time_zone(tradewind, world, monkeypatch) -> None:
    monkeypatch.setenv("TRADEWIND__CORE__DEFAULT_TIMEZONE", "Europe/Paris")
    world.add_dag(TaskSpec(task_id="a"))
    said = tradewind("dags", "trigger", "d", "-l", "2024-07-01T08:00", "-o", "json")
    assert said.json["logical_date"] == "2024-07-01T06:00:00.000000+00:00"


@pytest.mark.parametrize("schedule", [None, "0 0 * * *"])
@pytest.mark.parametrize("date", ["0001-01-01", "1970-01-01", "2024-W05-1", "9999-12-31T23:59:59"])
def test_runs_are_triggered_for_any_date_of_the_calendar(tradewind, world, schedule, date) -> None:
    timetable = None if schedule is None else CronDataIntervalTimetable(schedule).spec()
    world.add_dag(TaskSpec(task_id="a"), timetable=timetable)

    said = tradewind("dags", "trigger", "d", "-l", date, "-o", "json")

    assert said.code == 0, said.err
    assert said.json[
        "logical_date"
    ] == f"{datetime.fromisoformat(date):%Y-%m-%dT%H:%M:%S}.000000+00:00".rjust(32, "0")


@pytest.mark.parametrize("date", ["0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00"])
def test_a_date_that_falls_out_of_the_calendar_in_utc_is_refused(tradewind, world, date) -> None:
    world.add_dag(TaskSpec(task_id="a"))

    said = tradewind("dags", "trigger", "d", "-l", date)

    assert said.code == 1
    assert "is out of range" in said.err


def test_dags_are_switched_off_and_on(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"), dag_id="a")
    world.add_dag(TaskSpec(task_id="a"), dag_id="b")
    said = tradewind("dags", "pause", "a", "b", "-o", "json")
    assert said.json == [{"dag_id": "a", "is_paused": True}, {"dag_id": "b", "is_paused": True}]
    assert "No scheduler is running" in said.err
    tradewind("dags", "unpause", "a")
    assert [dag["dag_id"] for dag in tradewind("dags", "list", "--active", "-o", "json").json] == ["a"]
    assert tradewind("dags", "pause", "a", "nope").code == 3


def test_a_clear_shows_first_what_would_run_again(tradewind, failed_run) -> None:
    said = tradewind("runs", "clear", "umbrella", "r", "--dry-run", "-o", "json")
    assert [it["task_id"] for it in said.json] == ["clean", "join", "train"]
    assert states(tradewind)["clean"] == "failed"


def test_a_clear_lets_what_failed_and_what_is_behind_it_go_again(tradewind, failed_run) -> None:
    said = tradewind("runs", "clear", "umbrella", "r")
    assert said.code == 0
    assert "it will go on when" in said.err
    assert states(tradewind) == {
        "fetch": "success",
        "clean": None,
        "sales": "success",
        "join": None,
        "train": None,
    }
    failed_run.crash()
    failed_run.executor.end("clean")
    failed_run.settle()
    failed_run.executor.end("join")
    failed_run.settle()
    failed_run.executor.end("train")
    failed_run.settle()
    assert failed_run.runs.get("umbrella", "r").state is RunState.SUCCESS


def test_the_tasks_to_clear_can_be_chosen(tradewind, failed_run) -> None:
    def dry(*words: str) -> list[str]:
        said = tradewind(*words, "--dry-run", "-o", "json")
        assert said.code == 0, said.err
        return [it["task_id"] for it in said.json]

    assert dry("runs", "clear", "umbrella", "r", "--only-failed") == ["clean", "join", "train"]
    assert dry("runs", "clear", "umbrella", "r", "--task-id", "fetch") == ["fetch"]
    assert dry("runs", "clear", "umbrella", "r", "--task-id", "sales", "-d") == ["sales", "join", "train"]
    assert dry("runs", "clear", "umbrella", "r", "--task-id", "join", "-u") == [
        "fetch",
        "clean",
        "sales",
        "join",
    ]
    assert dry("runs", "clear", "umbrella", "r", "--task-regex", "^(f|s)") == ["fetch", "sales"]
    assert dry("runs", "clear", "umbrella", "r", "--all") == ["fetch", "clean", "sales", "join", "train"]
    assert dry("tasks", "clear", "umbrella", "r", "clean") == ["clean"]
    assert dry("tasks", "clear", "umbrella", "--from-date", "2024-01-10", "--only-failed") == [
        "clean",
        "join",
        "train",
    ]
    assert tradewind("runs", "clear", "umbrella", "r", "--task-id", "cleen").code == 3
    assert tradewind("runs", "clear", "umbrella", "r", "--task-regex", "(").code == 2
    assert tradewind("tasks", "clear", "umbrella").code == 2


def test_runs_and_tasks_are_marked_by_hand(tradewind, failed_run) -> None:
    said = tradewind(
        "runs", "mark", "umbrella", "r", "--task-id", "clean", "--state", "success", "-o", "json"
    )
    assert said.json[0]["state"] == "success"
    assert (
        tradewind("runs", "mark", "umbrella", "r", "--state", "success", "-o", "json").json["state"]
        == "success"
    )
    assert tradewind("runs", "mark", "umbrella", "r", "--state", "skipped").code == 2
    assert tradewind("runs", "mark", "umbrella", "r").code == 2


def test_a_dag_is_deleted_when_its_file_is_gone(tradewind, failed_run) -> None:
    from tradewind.store.imports import ImportRepository

    refused = tradewind("dags", "delete", "umbrella")
    assert (refused.code, "remove its file first" in refused.err) == (1, True)
    ImportRepository(failed_run.store).forget("/dags", ["umbrella.py"])
    said = tradewind("dags", "delete", "umbrella", "--yes")
    assert (said.code, "1 runs" in said.err) == (0, True)
    assert tradewind("dags", "list", "--all", "-o", "json").json == []


def log_of(home: Path, text: str, number: int = 1) -> Path:
    folder = home / "logs" / "umbrella" / "r" / "clean"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.log"
    path.write_text(text)
    return path


def test_a_log_is_printed_as_it_is(tradewind, failed_run, home: Path) -> None:
    log_of(home, "one\ntwo\n")
    assert tradewind("tasks", "logs", "umbrella", "r", "clean").out == "one\ntwo\n"
    assert tradewind("tasks", "logs", "umbrella", "latest", "clean", "--follow").out == "one\ntwo\n"


def test_a_log_that_is_not_there_names_those_that_are(tradewind, failed_run, home: Path) -> None:
    log_of(home, "one\n")
    said = tradewind("tasks", "logs", "umbrella", "r", "clean", "--try", "7")
    assert (said.code, "logs of the tries 1" in said.err) == (3, True)
    assert "clean" in tradewind("tasks", "logs", "umbrella", "r", "cleen").err
    assert tradewind("tasks", "logs", "umbrella", "r", "train").code == 3


def test_a_task_that_failed_says_why_and_where_to_look(tradewind, failed_run) -> None:
    said = tradewind("tasks", "why", "umbrella", "r", "clean")
    assert "It ended failed: ValueError: no such city." in said.out
    assert "tradewind tasks logs umbrella r clean" in said.out
    behind = tradewind("tasks", "why", "umbrella", "r", "train", "-o", "json").json
    assert behind["state"] == "upstream_failed"
    assert "It goes back to clean (ValueError: no such city)" in behind["explanations"][0]["text"]
    assert behind["story"][-1]["new_state"] == "upstream_failed"
    run = tradewind("runs", "why", "umbrella", "r", "-o", "json").json
    assert "clean (ValueError: no such city)" in run["explanations"][0]["text"]
    assert run["explanations"][0]["cure"] == "tradewind runs clear umbrella r"


def test_a_task_that_waits_says_for_what(tradewind, world) -> None:
    world.add_dag(
        TaskSpec(task_id="a", pool="db", downstream=("b",)),
        TaskSpec(task_id="b"),
        TaskSpec(task_id="c", retries=1),
    )
    tradewind("pools", "set", "db", "0")
    world.start()
    world.trigger()
    world.executor.end("c", Failed("no"))
    world.settle()

    def why(task_id: str) -> list[str]:
        found = tradewind("tasks", "why", "d", "r", task_id, "-o", "json").json["explanations"]
        return [one["text"] for one in found]

    assert "There is no pool 'db' with slots" in why("a")[0]
    assert why("b")[0] == "Waits for 1 of 1 upstream tasks (trigger rule all_success): a (scheduled)."
    assert "its try 2 of 2 begins" in why("c")[0]
    assert why("a")[1] == "No scheduler is running, so nothing goes on."


def test_a_queued_run_says_what_it_waits_for(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=1)
    world.start()
    for run_id in ("r", "second", "third"):
        world.send(TriggerRun(dag_id="d", run_id=run_id))
    told = tradewind("runs", "why", "d", "third", "-o", "json").json["explanations"][0]["text"]
    assert told == (
        "It waits for a place among the DAG's active runs (1 of 1 used). 1 run of the DAG is ahead of it."
    )
    world.add_dag(TaskSpec(task_id="a"), dag_id="off", paused=True)
    tradewind("dags", "trigger", "off", "-r", "r")
    said = tradewind("runs", "why", "off", "r")
    assert "switched off" in said.out
    assert "tradewind dags unpause off" in said.out
    assert "switched off" in tradewind("tasks", "why", "off", "r", "a").out


def test_a_dag_says_whether_it_makes_runs(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"), paused=True)
    texts = [one["text"] for one in tradewind("dags", "why", "d", "-o", "json").json["explanations"]]
    assert any("switched off" in text for text in texts)
    assert any("no schedule" in text for text in texts)
    assert texts[-1] == "No scheduler is running, so nothing goes on."
