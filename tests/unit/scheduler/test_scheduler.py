"""What the scheduler makes of facts, commands and time, with everything it decides read back from the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import START, World

from tradewind.errors import NotFound
from tradewind.model.commands import ClearTasks, DagChanged, DeleteDag, MarkRun, MarkTasks, TriggerRun
from tradewind.model.facts import XCom
from tradewind.model.outcomes import Branched, Failed
from tradewind.model.spec import ParamSpec, RetryRuleSpec, TaskSpec, TimetableSpec
from tradewind.model.states import RunState, TaskState, TriggerRule
from tradewind.store.imports import ImportRepository

A_THEN_B = (TaskSpec(task_id="a", downstream=("b",), inputs=()), TaskSpec(task_id="b", inputs=(("a", "k"),)))


def test_a_chain_runs_to_its_end_and_values_ride_along(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()

    world.executor.begin("a")
    world.settle()
    assert world.states() == {"a": "running", "b": None}

    world.executor.end("a", xcoms=(XCom(key="k", value=b'"v"', size=3),))
    world.settle()
    assert [(x.task_id, x.value) for x in world.executor.orders["b"].xcoms] == [("a", b'"v"')]

    world.executor.end("b")
    world.settle()
    assert world.states() == {"a": "success", "b": "success"}
    assert world.run().state == "success"
    assert world.attempts.open_attempts() == []


def test_a_failed_task_is_tried_again_when_its_delay_is_over(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a", retries=1, retry_delay=60))
    world.start()
    world.trigger()

    first = world.executor.end("a", Failed("ValueError: no"))
    world.settle()
    assert world.states() == {"a": "up_for_retry"}
    assert "ValueError: no" in world.instance("a").reason
    world.clock.pass_by(seconds=59)
    world.settle()
    assert world.executor.orders == {}

    world.clock.pass_by(seconds=1)
    world.settle()
    second = world.executor.end("a", Failed("ValueError: no"))
    world.settle()
    assert (first.try_number, second.try_number) == (1, 2)
    assert first.attempt_id != second.attempt_id
    assert world.states() == {"a": "failed"}
    assert world.run().state == "failed"
    assert "a" in world.run().reason


@pytest.mark.parametrize(
    ("outcome", "waits"),
    [
        (Failed("no", retry="again", retry_delay=5.0), 5),
        (Failed("no", retry="again"), 60),
        (Failed("no", ("builtins.OSError",)), 7),
    ],
)
def test_a_failure_may_say_how_long_its_retry_waits(world: World, outcome: Failed, waits: int) -> None:
    rules = (RetryRuleSpec(exceptions=("builtins.OSError",), delay=7.0),)
    world.add_dag(TaskSpec(task_id="a", retries=1, retry_delay=60, retry_rules=rules))
    world.start()
    world.trigger()
    world.executor.end("a", outcome)
    world.settle()
    assert f"try 2 of 2 in {waits} s" in world.instance("a").reason
    world.clock.pass_by(seconds=waits)
    world.settle()
    world.executor.end("a", outcome)
    world.settle()
    assert world.states() == {"a": "failed"}


def test_a_retry_that_was_waited_for_survives_a_crash(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a", retries=1, retry_delay=60))
    world.start()
    world.trigger()
    world.executor.end("a", Failed("no"))
    world.settle()

    world.crash()
    world.clock.pass_by(seconds=61)
    world.settle()

    assert world.executor.end("a").try_number == 2
    world.settle()
    assert world.run().state == "success"


def test_a_fact_of_a_session_that_does_not_hold_the_claim_changes_nothing(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    told = []

    world.executor.end("a", session="somebody-else", acknowledge=lambda: told.append("acknowledged"))
    world.settle()

    assert world.states() == {"a": "queued", "b": None}
    assert told == ["acknowledged"]


def test_an_order_that_never_reached_its_agent_is_handed_over_again_under_the_same_id(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    before = world.executor.orders["a"]

    world.crash(held=())

    assert world.executor.orders["a"].attempt_id == before.attempt_id
    assert len(world.attempts.open_attempts()) == 1


def test_an_attempt_that_its_agent_still_holds_is_adopted(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    world.executor.begin("a")
    world.settle()
    order = world.executor.orders["a"]

    world.crash(held=(order.attempt_id,))
    assert world.executor.submitted == []
    world.executor.orders["a"] = order
    world.executor.end("a")
    world.settle()

    assert world.states() == {"a": "success", "b": "queued"}


def test_an_attempt_lost_before_it_began_repeats_the_same_try(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    world.trigger()
    before = world.executor.orders["a"]

    world.crash(session="session-2")

    again = world.executor.orders["a"]
    assert again.attempt_id != before.attempt_id
    assert again.try_number == 1
    world.executor.end("a")
    world.settle()
    assert world.run().state == "success"


def test_an_attempt_lost_after_it_began_uses_up_a_try(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="a", retries=1, retry_delay=0), TaskSpec(task_id="once", at_most_once=True)
    )
    world.start()
    world.trigger()
    world.executor.begin("a")
    world.executor.begin("once")
    world.settle()

    world.crash(session="session-2")
    world.settle()

    assert world.executor.orders["a"].try_number == 2
    assert world.instance("once").state == "failed"
    assert "may have run" in world.instance("once").reason


def test_three_losses_in_a_row_end_the_try(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    world.trigger()
    host = world.executor.host
    assert host is not None
    for _ in range(3):
        host.session_ended("session-1", "the agent died")
        world.settle()

    assert world.instance("a").state == "failed"
    assert "3 attempts in a row" in world.instance("a").reason


def test_clearing_what_failed_runs_only_what_is_needed(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="a", downstream=("b",)),
        TaskSpec(task_id="b", downstream=("c",)),
        TaskSpec(task_id="c"),
    )
    world.start()
    world.trigger()
    world.executor.end("a")
    world.settle()
    world.executor.end("b", Failed("its server is down"))
    world.settle()
    assert world.states() == {"a": "success", "b": "failed", "c": "upstream_failed"}
    assert world.run().state == "failed"

    row = world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("b", "c")))
    assert row.result == {"cleared": ["b", "c"], "left": {}}
    assert list(world.executor.orders) == ["b"]
    assert world.executor.end("b").try_number == 2
    world.settle()
    world.executor.end("c")
    world.settle()

    assert world.run().state == "success"
    assert [order.task_id for order in world.executor.submitted] == ["a", "b", "b", "c"]


def test_a_task_cleared_while_it_runs_is_ended_and_goes_again(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    world.trigger()
    world.executor.begin("a")
    world.settle()

    world.send(ClearTasks(dag_id="d", run_id="r"))
    assert world.states() == {"a": "restarting"}
    assert [reason for _, reason in world.executor.cancelled] == ["cleared by ann"]
    world.executor.end("a", Failed("cancelled", retry="never"))
    world.settle()

    assert world.executor.orders["a"].try_number == 2


def test_a_paused_dag_waits_and_goes_on_when_it_is_switched_on(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), paused=True)
    world.start()
    world.trigger()
    assert world.run().state == "queued"

    world.switch(paused=False)

    assert world.run().state == "running"
    assert "a" in world.executor.orders


def test_a_pool_is_never_overdrawn_and_higher_weights_go_first(world: World) -> None:
    world.add_dag(*(TaskSpec(task_id=f"t{n}", priority_weight=n, pool="small") for n in range(1, 4)))
    with world.store.write() as connection:
        from tradewind.store.tables import pool

        connection.execute(pool.insert(), {"name": "small", "slots": 1})
    world.start()
    world.trigger()

    order = []
    while world.executor.orders:
        (task_id,) = world.executor.orders
        order.append(task_id)
        world.executor.end(task_id)
        world.settle()

    assert order == ["t3", "t2", "t1"]


def test_a_daily_dag_with_catchup_runs_once_for_each_interval_that_has_ended(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"}),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        end_date=datetime(2024, 1, 5, tzinfo=UTC),
        catchup=True,
    )
    world.start()

    runs = world.runs.find("d", newest_first=False)
    assert [run.info.run_id[:21] for run in runs] == [f"scheduled__2024-01-0{day}" for day in range(1, 6)]
    assert [run.info.run_after.day for run in runs] == [2, 3, 4, 5, 6]

    world.crash()
    assert len(world.runs.find("d")) == 5


def test_a_run_is_made_when_its_interval_ends_and_a_clock_that_jumps_back_makes_none_twice(
    world: World,
) -> None:
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=TimetableSpec(type="cron_data_interval", args={"cron": "0 0 * * *", "timezone": "UTC"}),
        start_date=datetime(2024, 1, 10, tzinfo=UTC),
    )
    world.start()
    assert world.runs.find("d") == []

    world.clock.pass_by(hours=12)
    world.settle()
    assert len(world.runs.find("d")) == 1
    world.clock.pass_by(hours=-6)
    world.settle()
    world.crash()
    world.clock.pass_by(hours=6)
    world.settle()

    assert len(world.runs.find("d")) == 1


def test_dag_files_are_imported_shortly_before_their_runs_are_due_and_no_more_of_them_than_can_run(
    world: World,
) -> None:
    hourly = {
        "timetable": TimetableSpec(type="cron_data_interval", args={"cron": "0 * * * *", "timezone": "UTC"}),
        "start_date": START - timedelta(days=1),
    }
    for number in range(6):
        world.add_dag(TaskSpec(task_id="a"), dag_id=f"d{number}", **hourly)
    world.start()
    before = len(world.executor.submitted)
    world.clock.pass_by(minutes=59, seconds=56)
    world.settle()
    assert world.executor.prepared == []
    world.clock.pass_by(seconds=1)
    world.settle()
    assert len(world.executor.prepared) == world.executor.capacity
    assert len(world.executor.submitted) == before


def test_no_more_runs_are_active_than_allowed(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="a"),
        timetable=TimetableSpec(type="cron_data_interval", args={"cron": "@hourly", "timezone": "UTC"}),
        start_date=datetime(2024, 1, 10, tzinfo=UTC),
        catchup=True,
        max_active_runs=2,
    )
    world.start()
    made = 0
    while world.executor.orders:
        running = world.runs.find("d", states=[RunState.RUNNING])
        assert 1 <= len(running) <= 2
        order = world.executor.submitted[made]
        made += 1
        world.executor.orders = {"a": order}
        world.executor.end("a")
        world.settle()
        world.executor.orders = dict.fromkeys(["a"]) if made < len(world.executor.submitted) else {}  # type: ignore[arg-type]

    assert world.runs.count("d", states=[RunState.SUCCESS]) == 12


def test_marking_ends_what_runs_and_lets_the_rest_go_on(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    attempt = world.executor.orders["a"].attempt_id

    world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS))
    assert world.states() == {"a": "success", "b": "queued"}
    assert world.executor.cancelled == [(attempt, "marked by ann")]
    world.send(MarkRun(dag_id="d", run_id="r", state=RunState.FAILED))

    assert world.run().state == "failed"
    assert world.states() == {"a": "success", "b": "skipped"}


def test_a_branch_that_was_taken_is_taken_again_after_a_crash(world: World) -> None:
    world.add_dag(
        TaskSpec(task_id="choose", downstream=("left", "right")),
        TaskSpec(task_id="left", downstream=("join",)),
        TaskSpec(task_id="right", downstream=("join",)),
        TaskSpec(task_id="join", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS),
    )
    world.start()
    world.trigger()
    world.executor.end("choose", Branched(("left",)))
    world.settle()
    world.crash()

    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("right",)))

    assert world.instance("right").state == "skipped"


def test_a_refused_command_says_why_and_changes_nothing(world: World) -> None:
    world.add_dag(TaskSpec(task_id="extract"))
    world.start()
    world.trigger()

    again = world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("extrct",)))

    assert again.refused_reason is not None
    assert "Did you mean 'extract'" in again.refused_reason


def test_a_run_whose_conf_breaks_a_params_schema_is_refused(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"), params={"days": ParamSpec(default=1, schema={"type": "integer"})})
    world.start()

    refused = world.send(TriggerRun(dag_id="d", run_id="r", conf={"days": "many"})).refused_reason

    assert refused is not None
    assert "'days'" in refused
    assert world.send(TriggerRun(dag_id="d", run_id="r", conf={"days": 3})).refused_reason is None


def test_runs_that_are_asked_for_at_one_time_are_all_made(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    for _ in range(3):
        command_id = world.ids.new_id()
        world.commands.submit(TriggerRun(dag_id="d"), id=command_id, actor="ann", at=world.clock.now())
    world.scheduler.ring()
    world.settle()

    assert len({run.info.run_id for run in world.runs.find("d")}) == 3


def test_a_commit_that_fails_is_tried_again_and_nothing_is_lost(tmp_path: Path) -> None:
    world = World(tmp_path, connect_timeout=0.1)
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    told: list[str] = []
    with world.store.write() as connection:
        connection.exec_driver_sql("UPDATE pool SET used = used")
        world.executor.end("a", acknowledge=lambda: told.append("acknowledged"))
        world.settle()
        assert told == []

    world.clock.pass_by(seconds=1)
    world.settle()
    world.settle()

    assert told == ["acknowledged"]
    assert world.states() == {"a": "success", "b": "queued"}
    world.scheduler.close()
    world.store.close()


def test_every_change_is_logged_with_its_reason_and_cause(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    world.executor.end("a", Failed("ValueError: no"))
    world.settle()

    story = world.attempts.story(world.run().pk)

    assert [(it.task_id, it.new) for it in story] == [
        (None, "running"),
        ("a", "scheduled"),
        ("a", "queued"),
        ("a", "failed"),
        ("b", "upstream_failed"),
        (None, "failed"),
    ]
    assert all(it.reason for it in story)
    assert {it.cause for it in story} == {"command", "fact", "clock"} - {"command"}


def test_a_dag_whose_file_is_gone_can_be_forgotten_with_its_runs(world: World) -> None:
    world.add_dag(TaskSpec(task_id="a"))
    world.start()
    world.trigger()
    world.executor.end("a")
    world.settle()
    assert "still in the DAG folder" in (world.send(DeleteDag(dag_id="d")).refused_reason or "")
    ImportRepository(world.store).forget("/dags", ["d.py"])
    world.send(DagChanged(dag_id="d"))

    assert world.send(DeleteDag(dag_id="d")).refused_reason is None

    with pytest.raises(NotFound):
        world.runs.get("d", "r")
    assert world.runs.count("d") == 0


def test_runs_asked_for_at_the_same_moment_have_different_ids_and_a_given_id_is_given_once(
    world: World,
) -> None:
    world.add_dag(TaskSpec(task_id="a"), max_active_runs=10)
    world.start()
    commands = [TriggerRun(dag_id="d"), TriggerRun(dag_id="d"), *[TriggerRun(dag_id="d", run_id="r")] * 2]
    ids = [world.ids.new_id() for _ in commands]
    for command_id, command in zip(ids, commands, strict=True):
        world.commands.submit(command, id=command_id, actor="ann", at=world.clock.now())

    world.scheduler.ring()
    world.settle()

    refused = [row.refused_reason or "" for row in map(world.commands.get, ids) if row is not None]
    assert refused[:2] == ["", ""]
    nothing, told = sorted(refused[2:])  # whichever of the two came first
    assert nothing == ""
    assert "has a run 'r' already" in told
    assert world.runs.count("d") == 3


def test_a_scheduler_that_is_to_start_nothing_more_still_takes_in_what_ends(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    world.scheduler.draining = True
    world.executor.end("a", xcoms=(XCom(key="k", value=b"1", size=1),))
    world.settle()
    assert world.states() == {"a": "success", "b": "scheduled"}
    assert "b" not in world.executor.orders
    world.crash()
    assert "b" in world.executor.orders
