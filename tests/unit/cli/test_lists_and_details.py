"""What the commands show of DAGs, runs and tasks, read from a real database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradewind.model.commands import DagChanged, TriggerRun
from tradewind.model.spec import TaskSpec, TimetableSpec
from tradewind.model.states import TriggerRule
from tradewind.timetables import CronDataIntervalTimetable

DAILY = TimetableSpec(type="cron_data_interval", args={"cron": "@daily"})
HOURLY = TimetableSpec(type="cron_data_interval", args={"cron": "@hourly"})


def test_dags_are_listed_with_the_names_of_the_rest_api(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a", owner="ann"), dag_id="d", tags=("t",), timetable=DAILY)
    world.add_dag(TaskSpec(task_id="a"), dag_id="off", paused=True)
    first, second = tradewind("dags", "list", "--output", "json").json
    assert first["dag_id"] == "d"
    assert first["is_paused"] is False
    assert first["owners"] == ["ann"]
    assert first["tags"] == ["t"]
    assert first["fileloc"] == "/dags/d.py"
    assert (second["dag_id"], second["is_paused"]) == ("off", True)
    assert [dag["dag_id"] for dag in tradewind("dags", "list", "--paused", "-o", "json").json] == ["off"]
    assert tradewind("dags", "list", "-o", "plain").out.splitlines()[0].split("\t")[0] == "dag_id"


def test_show_tells_the_details_and_draws_the_tree(tradewind, failed_run) -> None:
    said = tradewind("dags", "show", "umbrella")
    assert "dag_id" in said.out
    tree = said.out.split("\n\n")[1].splitlines()
    assert tree == [
        "fetch <PythonOperator>",
        "└─ clean <PythonOperator>",
        "   └─ join <PythonOperator>",
        "      └─ train <PythonOperator>",
        "sales <PythonOperator>",
        "└─ join <PythonOperator> (see above)",
    ]
    found = tradewind("dags", "show", "--dag-id", "umbrella", "-o", "json").json
    assert [task["task_id"] for task in found["tasks"]] == ["fetch", "clean", "sales", "join", "train"]
    assert found["tasks"][0]["downstream_task_ids"] == ["clean"]


def test_a_graph_comes_in_the_languages_of_those_that_draw(tradewind, world) -> None:
    tasks = (
        TaskSpec(task_id="a", downstream=("b",)),
        TaskSpec(task_id="b", trigger_rule=TriggerRule.ALL_DONE),
    )
    world.add_dag(*tasks)
    assert '"a" -> "b";' in tradewind("dags", "graph", "d", "--format", "dot").out
    assert "t0 --> t1" in tradewind("dags", "graph", "d", "--format", "mermaid").out
    assert "└─ b <EmptyOperator> [all_done]" in tradewind("dags", "graph", "d").out
    assert tradewind("dags", "graph", "d", "-o", "json").json["edges"] == [
        {"source_id": "a", "target_id": "b"}
    ]


def test_the_tree_of_a_long_chain_stays_narrow_and_whole(tradewind, world) -> None:
    size = 2000
    world.add_dag(
        *(TaskSpec(task_id=f"t{n}", downstream=(f"t{n + 1}",) if n < size - 1 else ()) for n in range(size))
    )
    lines = tradewind("dags", "graph", "d").out.splitlines()
    assert len(lines) == size
    assert max(map(len, lines)) < 200


def test_the_next_runs_of_a_schedule_are_those_that_would_be_made(tradewind, world) -> None:
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=DAILY,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=True,
        paused=True,
    )
    said = tradewind("dags", "next", "d", "-n", "3", "-o", "json")
    assert [run["logical_date"][:10] for run in said.json] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert said.json[0]["run_after"] == "2024-01-02T00:00:00.000000+00:00"
    assert "switched off" in said.err
    world.add_dag(TaskSpec(task_id="a"), dag_id="by_hand")
    assert tradewind("dags", "next", "by_hand", "-o", "json").json == []


def test_the_next_runs_keep_to_the_wall_clock_when_clocks_change(tradewind, world) -> None:
    night = CronDataIntervalTimetable("30 2 * * *", timezone="Europe/Amsterdam")
    world.clock.moment = datetime(2024, 3, 30, tzinfo=UTC)
    world.add_dag(TaskSpec(task_id="a"), timetable=night.spec(), start_date=world.clock.moment, catchup=True)

    found = tradewind("dags", "next", "d", "-n", "3", "-o", "json").json

    assert [run["run_after"][:16] for run in found] == [
        "2024-03-31T01:30",
        "2024-04-01T00:30",
        "2024-04-02T00:30",
    ]
    assert [run["data_interval_start"] for run in found[1:]] == [run["run_after"] for run in found[:-1]]


def test_the_next_runs_of_a_dag_that_was_edited_go_on_behind_its_last(tradewind, world) -> None:
    days = {"start_date": datetime(2024, 1, 8, tzinfo=UTC), "catchup": True}
    world.add_dag(TaskSpec(task_id="a", runs_code=False), timetable=DAILY, **days)
    world.start()
    world.add_dag(TaskSpec(task_id="a", runs_code=False), timetable=HOURLY, **days)

    shown = tradewind("dags", "next", "d", "-n", "9", "-o", "json").json
    world.send(DagChanged(dag_id="d"))

    made = world.runs.find("d", newest_first=False)[2:]
    assert [run["logical_date"][:16] for run in shown] == [f"2024-01-10T{hour:02}:00" for hour in range(9)]
    assert [run.info.logical_date.isoformat()[:16] for run in made[:9]] == [
        run["logical_date"][:16] for run in shown
    ]


def test_the_timetable_of_a_plugin_is_previewed_too(tradewind, world) -> None:
    tides = pytest.importorskip("tradewind_example.timetable").HighTide(datetime(2024, 1, 1, tzinfo=UTC))
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=tides.spec(),
        start_date=datetime(2024, 1, 2, tzinfo=UTC),
        catchup=True,
    )

    found = tradewind("dags", "next", "d", "-n", "2", "-o", "json").json

    assert [run["logical_date"][:16] for run in found] == ["2024-01-02T00:50", "2024-01-02T13:15"]


def test_a_catch_up_that_waits_is_told_wherever_the_dag_is_looked_at(tradewind, world, monkeypatch) -> None:
    monkeypatch.setenv("TRADEWIND__SCHEDULER__CATCHUP_CONFIRM_ABOVE", "5")
    world.add_dag(
        TaskSpec(task_id="a"), timetable=DAILY, start_date=datetime(2024, 1, 1, tzinfo=UTC), catchup=True
    )

    cure = "`tradewind dags catchup d --confirm` makes them all"
    assert cure in tradewind("dags", "next", "d").err
    assert cure in tradewind("dags", "show", "d", "-o", "json").json["warnings"][0]
    assert cure in tradewind("dags", "why", "d").out.replace("\n", " ")

    assert tradewind("dags", "catchup", "d").code == 2
    skipped = tradewind("dags", "catchup", "d", "--skip", "-o", "json").json
    newest = world.runs.find("d")[0].info
    assert newest.logical_date.isoformat() == skipped["logical_date"]
    assert cure not in tradewind("dags", "next", "d").err


def test_runs_are_listed_newest_first_and_filtered(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=1)
    world.start()
    for day in (1, 2, 3):
        date = datetime(2024, 1, day, tzinfo=UTC)
        world.send(TriggerRun(dag_id="d", run_id=f"r{day}", logical_date=date, run_after=date))
    runs = tradewind("runs", "list", "d", "-o", "json").json
    assert [run["run_id"] for run in runs] == ["r3", "r2", "r1"]
    assert runs[2]["logical_date"] == "2024-01-01T00:00:00.000000+00:00"
    between = tradewind("runs", "list", "--from-date", "2024-01-02", "--to-date", "2024-01-02", "-o", "json")
    assert [run["run_id"] for run in between.json] == ["r2"]
    assert [
        run["run_id"] for run in tradewind("dags", "list-runs", "d", "--state", "running", "-o", "json").json
    ] == ["r1"]
    assert len(tradewind("runs", "list", "--limit", "2", "-o", "json").json) == 2


def test_a_run_is_shown_with_its_tasks_and_its_story(tradewind, failed_run) -> None:
    run = tradewind("runs", "show", "umbrella", "latest", "-o", "json").json
    assert (run["run_id"], run["state"]) == ("r", "failed")
    states = {it["task_id"]: it["state"] for it in run["task_instances"]}
    assert states == {
        "fetch": "success",
        "clean": "failed",
        "sales": "success",
        "join": "upstream_failed",
        "train": "upstream_failed",
    }
    assert {"task_id": "clean", "new_state": "failed"}.items() <= run["story"][-4].items() or any(
        it["task_id"] == "clean" and it["new_state"] == "failed" for it in run["story"]
    )
    clean = next(
        it
        for it in tradewind("tasks", "states", "umbrella", "r", "-o", "json").json
        if it["task_id"] == "clean"
    )
    assert clean["try_number"] == 1
    assert clean["map_index"] == -1
    assert clean["end_date"].endswith("+00:00")
    assert "no such city" in clean["reason"]


def test_tasks_of_a_dag_are_listed(tradewind, failed_run) -> None:
    tasks = tradewind("tasks", "list", "umbrella", "-o", "json").json
    assert [task["task_id"] for task in tasks] == ["fetch", "clean", "sales", "join", "train"]
    assert "umbrella" in tradewind("tasks", "list", "umbrella", "-o", "yaml").out
    said = tradewind("tasks", "states", "umbrella", "latst")
    assert (said.code, "There is no run" in said.err) == (3, True)


def test_versions_say_which_is_current(tradewind, world) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="b"))
    versions = tradewind("dags", "versions", "d", "-o", "json").json
    assert [(one["version_number"], one["is_current"]) for one in versions] == [(1, False), (2, True)]


def test_import_errors_are_listed(tradewind, world) -> None:
    from tradewind.store.imports import FileImport, ImportRepository
    from tradewind.store.rows import ImportProblem

    problem = ImportProblem(file="bad.py", message="SyntaxError: no", line=3)
    found = FileImport(folder="/dags", file="bad.py", problems=(problem,))
    ImportRepository(world.store).record(found, now=world.clock.now(), new_id=world.ids.new_id)
    (error,) = tradewind("dags", "list-import-errors", "-o", "json").json
    assert (error["filename"], error["line"], error["message"]) == ("/dags/bad.py", 3, "SyntaxError: no")
    assert "1 import errors" in tradewind("dags", "list").err
