"""What setups and teardowns make of a run, step by step, through the state machine alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tradewind.logic import clearing
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.logic.subset import filtered, subset
from tradewind.logic.verdicts import verdict_of
from tradewind.model.outcomes import Branched, Failed, Outcome, Skipped, Succeeded
from tradewind.model.run import RunInfo
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunState, RunType, TaskState, TriggerRule

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def task(task_id: str, *downstream: str, **fields: Any) -> TaskSpec:
    return TaskSpec(task_id=task_id, downstream=downstream, **fields)


def setup(task_id: str, *downstream: str) -> TaskSpec:
    return task(task_id, *downstream, is_setup=True)


def teardown(task_id: str, *downstream: str, **fields: Any) -> TaskSpec:
    rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
    return task(task_id, *downstream, is_teardown=True, trigger_rule=rule, **fields)


class Driven:
    """A run that a test drives by hand."""

    def __init__(self, *tasks: TaskSpec, **fields: Any) -> None:
        self.plan = Plan(DagSpec(dag_id="d", tasks=tasks, **fields))
        info = RunInfo(
            dag_id="d",
            run_id="r",
            run_type=RunType.MANUAL,
            logical_date=NOW,
            data_interval=None,
            run_after=NOW,
        )
        self.run = LiveRun(self.plan, 1, info, list(range(len(tasks))))
        self.machine = Machine(NOW)
        self.machine.begin(self.run)

    def begin(self, task_id: str) -> None:
        number = self.plan.index[task_id]
        assert self.run.states[number] is TaskState.SCHEDULED, self.states
        self.machine.queued(self.run, number, f"attempt of {task_id}", "")
        self.machine.started(self.run, number, NOW)

    def end(self, task_id: str, outcome: Outcome | None = None) -> None:
        number = self.plan.index[task_id]
        if self.run.states[number] is not TaskState.RUNNING:
            self.begin(task_id)
        self.machine.finished(self.run, number, outcome or Succeeded(), NOW, NOW)

    @property
    def states(self) -> dict[str, str | None]:
        return {task_id: self.run.states[number] for task_id, number in self.plan.index.items()}

    def why(self, task_id: str) -> str:
        return self.run.reasons[self.plan.index[task_id]]


FAILED = Failed("ValueError", retry="never")


def test_work_far_behind_a_setup_needs_its_success_whatever_its_own_rule_says() -> None:
    run = Driven(
        setup("up", "near", "down"),
        task("near", "far"),
        task("far", "down", trigger_rule=TriggerRule.ALL_DONE),
        teardown("down"),
    )
    run.end("up", FAILED)

    assert run.states == {
        "up": "failed",
        "near": "upstream_failed",
        "far": "upstream_failed",
        "down": "upstream_failed",
    }
    assert run.why("far") == "its setup up failed"
    assert run.run.state is RunState.FAILED


def test_work_waits_for_a_setup_that_is_not_directly_before_it() -> None:
    run = Driven(
        task("other", "near"),
        setup("up", "slow", "down"),
        task("slow", "near"),
        task("near", "far", trigger_rule=TriggerRule.ALWAYS),
        task("far", "down"),
        teardown("down"),
    )
    run.end("near")
    assert run.states["far"] is None
    assert verdict_of(run.run, run.plan.index["far"]).reason == "waits for its setup up"

    run.end("up")
    assert run.states["far"] == "scheduled"


def test_what_comes_after_the_teardown_is_not_the_setups_work() -> None:
    run = Driven(
        setup("up", "work", "down"),
        task("work", "down"),
        teardown("down", "after"),
        task("after", trigger_rule=TriggerRule.ALL_DONE),
    )
    run.end("up", FAILED)

    assert run.states["after"] == "scheduled"


def test_a_setup_without_a_teardown_has_all_behind_it_as_its_work() -> None:
    run = Driven(setup("up", "near"), task("near", "far"), task("far", trigger_rule=TriggerRule.ALL_DONE))
    run.end("up", Skipped("not today"))

    assert run.states == {"up": "skipped", "near": "skipped", "far": "skipped"}
    assert run.why("far") == "its setup up was skipped"


def test_a_teardown_runs_where_one_of_its_setups_succeeded() -> None:
    run = Driven(
        setup("one", "work", "down"), setup("two", "work", "down"), task("work", "down"), teardown("down")
    )
    run.end("one")
    run.end("two", FAILED)

    assert run.states["work"] == "upstream_failed"
    assert run.states["down"] == "scheduled"


def test_no_choice_skips_a_teardown() -> None:
    run = Driven(
        setup("up", "gate", "down"),
        task("gate", "work", chooses=True),
        task("work", "down"),
        teardown("down", "after"),
        task("after"),
    )
    run.end("up")
    run.end("gate", Branched(scope="all"))

    assert run.states["work"] == run.states["after"] == "skipped"
    assert run.states["down"] == "scheduled"


def test_a_teardown_that_fails_is_forgiven_unless_it_counts() -> None:
    for counts, state in ((False, RunState.SUCCESS), (True, RunState.FAILED)):
        run = Driven(
            setup("up", "work", "down"), task("work", "down"), teardown("down", on_failure_fail_dagrun=counts)
        )
        run.end("up")
        run.end("work")
        run.end("down", FAILED)
        assert run.run.state is state


def test_failed_work_fails_the_run_though_its_teardown_succeeds() -> None:
    run = Driven(setup("up", "work", "down"), task("work", "down"), teardown("down"))
    run.end("up")
    run.end("work", FAILED)
    run.end("down")

    assert (run.run.state, run.run.reason) == (
        RunState.FAILED,
        "it ends in tasks that did not succeed: work",
    )


def test_fail_fast_leaves_teardowns_their_turn_and_their_retries() -> None:
    run = Driven(
        setup("up", "work", "other", "down"),
        task("work", "down"),
        task("other", "down"),
        teardown("down", retries=1, retry_delay=0.0),
        fail_fast=True,
    )
    run.end("up")
    run.begin("other")
    run.end("work", FAILED)
    assert run.states == {"up": "success", "work": "failed", "other": "failed", "down": "scheduled"}

    run.end("down", Failed("busy"))
    assert run.states["down"] == "up_for_retry"
    run.machine.due(run.run, run.plan.index["down"])
    run.end("down")
    assert (run.run.state, run.run.reason) == (RunState.FAILED, "fail_fast: work failed")


def test_a_run_marked_failed_ends_after_its_teardowns() -> None:
    run = Driven(setup("up", "work", "down"), task("work", "down"), teardown("down"))
    run.end("up")
    run.begin("work")

    clearing.mark_run(run.machine, run.run, RunState.FAILED, "marked failed by ann")
    assert run.states == {"up": "success", "work": "failed", "down": "scheduled"}
    assert run.run.state is RunState.RUNNING
    run.end("down")
    assert (run.run.state, run.run.reason) == (RunState.FAILED, "marked failed by ann")


def test_a_run_marked_success_has_all_its_tasks_in_success_and_ends_after_its_teardowns() -> None:
    run = Driven(
        setup("up", "work", "down"),
        task("work", "down"),
        teardown("down"),
        task("broken"),
    )
    run.end("up")
    run.end("broken", FAILED)

    clearing.mark_run(run.machine, run.run, RunState.SUCCESS, "marked success by ann")
    assert run.states == {"up": "success", "work": "success", "down": "scheduled", "broken": "success"}
    run.end("down")
    assert run.run.state is RunState.SUCCESS


def test_a_task_cleared_while_it_runs_has_all_its_retries_again() -> None:
    run = Driven(task("t", retries=2, retry_delay=0.0))
    run.end("t", Failed("once"))
    run.machine.due(run.run, 0)
    run.begin("t")

    assert clearing.clear(run.machine, run.run, [0], "cleared by ann") == [0]
    assert run.states["t"] == "restarting"
    run.machine.finished(run.run, 0, Failed("killed"), NOW, NOW)
    assert (run.states["t"], run.run.try_numbers[0], run.run.max_tries[0]) == ("scheduled", 3, 4)


def test_a_filter_takes_along_the_setups_and_teardowns_of_what_it_lets_pass() -> None:
    plan = Plan(
        DagSpec(
            dag_id="d",
            tasks=(
                setup("up", "good", "bad", "down"),
                task("good", "down"),
                task("bad", "down"),
                teardown("down"),
            ),
        )
    )
    meant = subset(plan, range(4))

    assert filtered(plan, meant, {plan.index["bad"]}) == {plan.index[name] for name in ("up", "bad", "down")}
