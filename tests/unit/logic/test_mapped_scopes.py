"""Mapped tasks as setups, as teardowns, and as the work between them; cleared, marked and stopped."""

from __future__ import annotations

from typing import Any

import pytest
from mapped_runs import Driver, known, of

from tradewind.logic import clearing
from tradewind.logic.verdicts import verdict_of
from tradewind.model.outcomes import Deferred, Failed
from tradewind.model.spec import GroupSpec, TaskSpec
from tradewind.model.states import RunState, TaskState, TriggerRule

FAILED = Failed("ValueError", retry="never")
GROUP = (GroupSpec(group_id="g", mapped=known(2)),)


def task(task_id: str, *downstream: str, **fields: Any) -> TaskSpec:
    return TaskSpec(task_id=task_id, downstream=downstream, **fields)


def teardown(task_id: str, *downstream: str, **fields: Any) -> TaskSpec:
    rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
    return task(task_id, *downstream, is_teardown=True, trigger_rule=rule, **fields)


def test_what_one_instance_of_a_setup_made_is_taken_away_though_another_failed() -> None:
    it = Driver(
        task("up", "work", "down", mapped=known(2), is_setup=True),
        task("work", "far", mapped=known(2)),
        task("far", "down", trigger_rule=TriggerRule.ALL_DONE),
        teardown("down"),
    )
    it.begin()
    it.end("up[0]")
    assert verdict_of(it.run, it.plan.index["far"]).reason == "waits for its setup up"
    it.end("up[1]", FAILED)

    assert it.states()["far"] == "upstream_failed"
    assert it.run.reasons[it.plan.index["far"]] == "its setup up failed"
    assert it.states()["down"] == "scheduled"


def test_a_teardown_of_which_no_setup_instance_succeeded_does_not_run() -> None:
    it = Driver(task("up", "down", mapped=known(2), is_setup=True), teardown("down"))
    it.begin()
    it.end("up[0]", FAILED)
    it.end("up[1]", FAILED)
    assert it.states()["down"] == "upstream_failed"


def in_a_group() -> Driver:
    return Driver(
        task("g.up", "g.near", "g.down", group_id="g", is_setup=True),
        task("g.near", "g.far", group_id="g"),
        task("g.far", "g.down", group_id="g", trigger_rule=TriggerRule.ALL_DONE),
        teardown("g.down", group_id="g"),
        groups=GROUP,
    )


def test_inside_a_mapped_group_each_setup_is_that_of_its_own_work_alone() -> None:
    it = in_a_group()
    it.begin()
    it.end("g.up[0]", FAILED)
    assert it.states()["g.far[0]"] == it.states()["g.down[0]"] == "upstream_failed"
    assert it.run.reasons[it.run.named("g.far[0]")[0]] == "its setup g.up[0] failed"
    for label in ("g.up[1]", "g.near[1]", "g.far[1]", "g.down[1]"):
        it.end(label)
    assert [it.states()[f"g.{name}[1]"] for name in ("far", "down")] == ["success", "success"]
    assert it.run.state is RunState.FAILED


def test_work_of_one_map_index_goes_on_while_the_setup_of_another_has_not_ended() -> None:
    it = in_a_group()
    it.begin()
    for label in ("g.up[1]", "g.near[1]", "g.far[1]", "g.down[1]"):
        it.end(label)
    assert it.ready() == ["g.up[0]"]


def between() -> Driver:
    """A mapped task between a setup and a teardown, run to its end but for one instance that failed."""
    it = Driver(
        task("up", "work", "down", is_setup=True),
        task("work", "after", "down", mapped=known(3)),
        task("after"),
        teardown("down"),
    )
    it.begin()
    it.outcomes["work[1]"] = FAILED
    it.to_end()
    assert it.states() == {
        "up": "success",
        "work[0]": "success",
        "work[1]": "failed",
        "work[2]": "success",
        "after": "upstream_failed",
        "down": "success",
    }
    return it


def test_one_instance_goes_again_with_its_setup_and_teardown_and_the_others_keep_their_states() -> None:
    it = between()
    it.outcomes.clear()
    numbers = [n for label in ("up", "work[1]", "after", "down") for n in it.run.named(label)]
    assert clearing.clear(it.machine, it.run, numbers, "cleared by ann") == numbers
    it.machine.begin(it.run)

    assert it.ready() == ["up"]
    it.order.clear()
    it.to_end()
    assert it.order[:2] == ["up", "work[1]"]
    assert sorted(it.order) == ["after", "down", "up", "work[1]"]
    assert it.run.state is RunState.SUCCESS


def test_behind_one_instance_lie_those_of_its_own_map_index_and_what_follows_the_group() -> None:
    it = Driver(
        task("g.a", "g.b", group_id="g"), task("g.b", "after", group_id="g"), task("after"), groups=GROUP
    )
    it.begin()
    (first,) = it.run.named("g.a[0]")
    assert {it.run.label(n) for n in clearing.behind(it.run, [first])} == {"g.b[0]", "after"}


def test_fail_fast_ends_what_waits_without_a_slot_as_failed_and_lets_the_teardown_run() -> None:
    it = Driver(
        task("up", "m", "w", "down", is_setup=True),
        task("m", "down", mapped=known(2)),
        task("w", "down"),
        teardown("down"),
        fail_fast=True,
    )
    it.begin()
    it.end("up")
    it.end("w", Deferred("m.T", "{}", "go_on", "{}"))
    it.end("m[0]", FAILED)

    states = it.states()
    assert (states["w"], states["m[1]"], states["down"]) == ("failed", "skipped", "scheduled")
    assert it.run.waits == {}
    it.end("down")
    assert (it.run.state, it.run.reason) == (RunState.FAILED, "fail_fast: m[0] failed")


@pytest.mark.parametrize("fail_fast", [True, False])
def test_a_mapped_task_that_fails_as_a_whole_stops_a_run_that_fails_fast(fail_fast: bool) -> None:
    it = Driver(
        task("up", "gen", "other", "down", is_setup=True),
        task("gen", "m"),
        task("m", "down", mapped=of("gen")),
        task("other", "last"),
        task("last", "down"),
        teardown("down"),
        fail_fast=fail_fast,
    )
    it.machine.max_map_length = 2
    it.returns["gen"] = 3
    it.begin()
    it.end("up")
    it.end("gen")

    states = it.states()
    assert states["m"] == "failed"
    assert states["last"] == ("skipped" if fail_fast else None)
    assert states["down"] == ("scheduled" if fail_fast else None)


def test_a_deferred_task_that_is_cleared_waits_for_nothing_any_more_and_begins_anew() -> None:
    it = Driver(task("up", "w", "down", is_setup=True), task("w", "down"), teardown("down"))
    it.begin()
    it.end("up")
    it.end("w", Deferred("m.T", "{}", "go_on", "{}"))
    (wait,) = it.run.waits.values()

    numbers = [it.plan.index[name] for name in ("up", "w", "down")]
    clearing.clear(it.machine, it.run, numbers, "cleared by ann")
    it.machine.consider(it.run, numbers)

    assert [waited for _, waited in it.machine.delta.waited] == [wait]
    assert (it.run.waits, it.states()["w"]) == ({}, None)
    assert it.run.states[0] is TaskState.SCHEDULED
    it.end("up")
    it.end("w")
    it.end("down")
    assert it.run.state is RunState.SUCCESS


def test_a_run_that_is_stopped_ends_mapped_work_and_lets_its_mapped_teardown_run() -> None:
    it = Driver(
        task("up", "work", "down", is_setup=True),
        task("work", "down", mapped=known(3)),
        teardown("down", mapped=known(2)),
    )
    it.begin()
    it.end("up")
    it.end("work[1]")
    it.machine.stop(it.run, "marked failed by ann")
    assert it.ready()[-2:] == ["down[0]", "down[1]"]
    it.end("down[0]")
    it.end("down[1]")
    assert (it.run.state, it.run.reason) == ("failed", "marked failed by ann")
