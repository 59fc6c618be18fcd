"""Mapped tasks in the state machine: expanded, skipped, counted by what comes after, cleared, made shorter and longer."""

from __future__ import annotations

import random
import time

import pytest
from mapped_runs import Driver, known, of

from tradewind.logic import mapping
from tradewind.logic.clearing import clear, mark
from tradewind.logic.machine import Machine
from tradewind.model.outcomes import Branched, Failed, Skipped, Succeeded
from tradewind.model.spec import GroupSpec, LengthSpec, TaskSpec
from tradewind.model.states import TaskState, TriggerRule

FAILED = Failed("ValueError", retry="never")


def task(task_id: str, *downstream: str, **fields: object) -> TaskSpec:
    return TaskSpec(task_id=task_id, downstream=downstream, **fields)  # type: ignore[arg-type]


def test_a_mapped_task_has_an_instance_for_each_item_and_what_follows_waits_for_all() -> None:
    it = Driver(task("gen", "m"), task("m", "reduce", mapped=of("gen")), task("reduce"))
    it.returns["gen"] = 3
    it.begin()
    assert it.ready() == ["gen"]
    it.end("gen")
    assert it.ready() == ["m[0]", "m[1]", "m[2]"]
    it.end("m[1]")
    it.end("m[0]")
    assert "reduce" not in it.ready()
    it.end("m[2]")
    assert it.ready() == ["reduce"]
    it.end("reduce")
    assert it.run.state == "success"


def test_a_literal_is_expanded_when_the_run_begins_and_an_empty_one_is_skipped() -> None:
    it = Driver(task("m", mapped=known(2)), task("none", "after", mapped=known(0)), task("after"))
    it.begin()
    assert it.states() == {
        "m[0]": "scheduled",
        "m[1]": "scheduled",
        "none": "skipped",
        "after": "skipped",
    }


@pytest.mark.parametrize(
    ("rule", "ends", "expected"),
    [
        ("all_success", "sf", "upstream_failed"),
        ("all_done", "ff", "success"),
        ("one_success", "sk", "success"),
        ("one_success", "kk", "skipped"),
        ("none_failed_min_one_success", "kk", "skipped"),
        ("all_skipped", "kk", "success"),
        ("one_failed", "sk", "skipped"),
    ],
)
def test_what_follows_sees_every_instance(rule: str, ends: str, expected: str) -> None:
    it = Driver(task("m", "after", mapped=known(len(ends))), task("after", trigger_rule=TriggerRule(rule)))
    for index, letter in enumerate(ends):
        it.outcomes[f"m[{index}]"] = {"s": Succeeded(), "f": FAILED, "k": Skipped("asked to")}[letter]
    it.begin()
    assert it.to_end()["after"] == expected


def test_one_success_goes_on_while_other_instances_have_not_ended() -> None:
    it = Driver(task("m", "after", mapped=known(2)), task("after", trigger_rule=TriggerRule.ONE_SUCCESS))
    it.begin()
    it.end("m[1]")
    assert "after" in it.ready()


def test_where_there_is_nothing_to_map_over_the_task_as_a_whole_ends() -> None:
    it = Driver(
        task("gen", "m"),
        task("m", "after", mapped=of("gen"), trigger_rule=TriggerRule.ALL_DONE),
        task("after"),
    )
    it.outcomes["gen"] = FAILED
    it.begin()
    assert it.to_end() == {"gen": "failed", "m": "upstream_failed", "after": "upstream_failed"}


def test_a_source_that_was_marked_and_left_nothing_fails_the_mapped_task_with_a_reason() -> None:
    it = Driver(task("gen", "m"), task("m", mapped=of("gen")))
    it.begin()
    mark(it.machine, it.run, [0], TaskState.SUCCESS, "marked by ann")
    assert it.states() == {"gen": "success", "m": "failed"}
    assert it.run.reasons[1] == "gen left no list or dict that it could be mapped over"


def test_more_instances_than_are_allowed_fail_the_task_and_name_the_setting() -> None:
    both = LengthSpec(kind="product", of=(known(2000), known(2000)))
    it = Driver(task("m", mapped=both))
    it.begin()
    assert it.states() == {"m": "failed"}
    assert "4000000 instances, and core.max_map_length allows 100000" in it.run.reasons[0]


def test_lengths_follow_from_lengths() -> None:
    parts = (known(2), known(3))
    for kind, length in {"zip": 2, "zip_longest": 3, "concat": 5, "product": 6}.items():
        it = Driver(task("m", mapped=LengthSpec(kind=kind, of=parts)))  # type: ignore[arg-type]
        it.begin()
        assert len(it.states()) == length, kind


def test_mapping_over_a_mapped_task_counts_the_values_that_it_left() -> None:
    it = Driver(
        task("one", "two", mapped=known(3)),
        task("two", mapped=of("one"), trigger_rule=TriggerRule.ALL_DONE),
    )
    it.outcomes["one[1]"] = FAILED
    it.begin()
    assert list(it.to_end()) == ["one[0]", "one[1]", "one[2]", "two[0]", "two[1]"]


GROUP = (GroupSpec(group_id="g", mapped=of("gen")),)


def grouped(**last: object) -> Driver:
    it = Driver(
        task("gen", "g.a"),
        task("g.a", "g.b", group_id="g"),
        task("g.b", "after", group_id="g"),
        task("after", **last),
        groups=GROUP,
    )
    it.returns["gen"] = 2
    return it


def test_inside_a_mapped_group_each_instance_goes_on_by_itself() -> None:
    it = grouped()
    it.begin()
    it.end("gen")
    assert it.ready() == ["g.a[0]", "g.a[1]"]
    it.end("g.a[1]")
    assert it.ready() == ["g.a[0]", "g.b[1]"]
    it.end("g.b[1]")
    it.end("g.a[0]", FAILED)
    assert it.states()["g.b[0]"] == "upstream_failed"
    assert it.states()["after"] == "upstream_failed"
    assert it.run.state == "failed"


def test_an_empty_or_broken_group_ends_as_a_whole() -> None:
    it = grouped()
    it.returns["gen"] = 0
    it.begin()
    assert it.to_end() == {"gen": "success", "g.a": "skipped", "g.b": "skipped", "after": "skipped"}
    it = grouped()
    it.outcomes["gen"] = FAILED
    it.begin()
    assert set(it.to_end().values()) == {"failed", "upstream_failed"}


def test_a_branch_inside_a_mapped_group_chooses_for_its_own_index() -> None:
    it = Driver(
        task("g.pick", "g.a", "g.b", group_id="g", chooses=True),
        task("g.a", group_id="g"),
        task("g.b", group_id="g"),
        groups=(GroupSpec(group_id="g", mapped=known(2)),),
    )
    it.outcomes = {"g.pick[0]": Branched(("g.a",)), "g.pick[1]": Branched(("g.b",))}
    it.begin()
    states = it.to_end()
    assert [states[f"g.{name}[{n}]"] for name in "ab" for n in (0, 1)] == [
        "success",
        "skipped",
        "skipped",
        "success",
    ]


def test_a_task_of_a_group_that_also_waits_outside_of_it() -> None:
    it = Driver(
        task("gen", "g.a"),
        task("slow", "g.b"),
        task("many", "g.b", mapped=known(2)),
        task("g.a", "g.b", group_id="g"),
        task("g.b", group_id="g"),
        groups=GROUP,
    )
    it.returns["gen"] = 2
    it.begin()
    for label in ("gen", "g.a[0]", "g.a[1]", "many[0]", "slow"):
        it.end(label)
    assert it.ready() == ["many[1]"]
    it.end("many[1]")
    assert it.ready() == ["g.b[0]", "g.b[1]"]


def test_one_instance_is_cleared_alone_and_what_follows_is_not_run_again() -> None:
    it = Driver(task("m", "after", mapped=known(3)), task("after"))
    it.begin()
    it.to_end()
    it.machine = Machine(it.machine.now)
    assert clear(it.machine, it.run, it.run.named("m[1]"), "cleared by ann") == list(it.run.named("m[1]"))
    it.begin()
    assert it.ready() == ["m[1]"]
    it.end("m[1]")
    assert it.run.state == "success"
    assert it.order == ["m[0]", "m[1]", "m[2]", "after", "m[1]"]


def cleared_with_another_length(length: int) -> Driver:
    it = Driver(task("gen", "m"), task("m", "after", mapped=of("gen")), task("after"))
    it.returns["gen"] = 3
    it.begin()
    it.to_end()
    it.machine = Machine(it.machine.now)
    clear(it.machine, it.run, it.run.numbers(), "cleared by ann")
    mapping.forget_left(it.run, 0)
    it.returns["gen"] = length
    it.order.clear()
    it.begin()
    it.to_end()
    return it


def test_instances_beyond_a_shorter_list_are_removed() -> None:
    it = cleared_with_another_length(1)
    assert it.states() == {
        "gen": "success",
        "m[0]": "success",
        "m[1]": "removed",
        "m[2]": "removed",
        "after": "success",
    }
    assert it.run.state == "success"


def test_instances_of_a_longer_list_are_new() -> None:
    it = cleared_with_another_length(5)
    assert it.order == ["gen", "m[0]", "m[1]", "m[2]", "m[3]", "m[4]", "after"]
    assert it.run.state == "success"


def test_a_list_that_became_empty_removes_all() -> None:
    it = cleared_with_another_length(0)
    assert set(list(it.states().values())[1:4]) == {"removed"}
    assert it.run.state == "success"


def test_a_removed_instance_comes_back_when_the_list_grows_again() -> None:
    it = cleared_with_another_length(1)
    it.machine = Machine(it.machine.now)
    clear(it.machine, it.run, it.run.numbers(), "cleared by ann")
    it.returns["gen"] = 2
    it.begin()
    it.to_end()
    assert [it.states()[f"m[{n}]"] for n in range(3)] == ["success", "success", "removed"]


def test_a_mapped_group_whose_list_has_grown_goes_on_in_step() -> None:
    it = grouped()
    it.begin()
    it.to_end()
    it.machine = Machine(it.machine.now)
    clear(it.machine, it.run, it.run.spread([0, 1]), "cleared by ann")
    it.returns["gen"] = 3
    it.order.clear()
    it.begin()
    it.to_end()
    assert it.run.state == "success"
    assert sorted(it.order) == ["g.a[0]", "g.a[1]", "g.a[2]", "g.b[2]", "gen"]


@pytest.mark.parametrize("seed", range(40))
def test_a_restored_run_counts_as_the_one_that_was_lost(seed: int) -> None:
    pick = random.Random(seed)
    it = Driver(
        task("gen", "g.a", "m"),
        task("m", "g.b", mapped=of("gen")),
        task("g.a", "g.b", group_id="g"),
        task("g.b", "after", group_id="g", trigger_rule=TriggerRule.ALL_DONE),
        task("over", "after", mapped=of("m")),
        task("after", trigger_rule=TriggerRule.ALL_DONE),
        groups=GROUP,
    )
    it.returns["gen"] = 3
    it.begin()
    for _ in range(pick.randrange(12)):
        if it.ready():
            it.end(pick.choice(it.ready()), pick.choice([None, None, FAILED, Skipped("asked to")]))
    restored = it.restored()
    mine, its = it.run, restored
    numbers = {its.label(n): n for n in its.numbers()}
    assert its.unfinished == mine.unfinished
    for number in mine.numbers():
        assert its.upstream_of(numbers[mine.label(number)]) == mine.upstream_of(number), mine.label(number)
    assert its.states[: len(it.plan)] == mine.states[: len(it.plan)]


def test_100000_instances_in_bounded_time() -> None:
    it = Driver(task("gen", "g.a"), task("g.a", "reduce", group_id="g"), task("reduce"), groups=GROUP)
    it.returns["gen"] = 100_000
    begun = time.process_time()
    it.begin()
    it.end("gen")
    delta, it.machine.delta.ready = it.machine.delta.ready, []
    for run, number in delta:
        if run.states[number] is TaskState.SCHEDULED:
            it.machine.queued(run, number, "a", "")
            it.machine.finished(run, number, Succeeded(), None, it.machine.now)
    assert it.ready() == ["reduce"]
    assert (
        time.process_time() - begun < 30
    )  # a second or two; hours, were a fact to cost what there is in all


def test_a_chain_of_50000_tasks_and_a_dag_of_100000_are_decided_without_recursion() -> None:
    deep = Driver(
        *(task(f"t{n}", *([f"t{n + 1}"] if n < 49_999 else []), runs_code=False) for n in range(50_000))
    )
    deep.begin()
    assert deep.run.state == "success"
    wide = Driver(
        task("first", *(f"t{n}" for n in range(99_998)), runs_code=False),
        *(task(f"t{n}", "last", runs_code=False) for n in range(99_998)),
        task("last", runs_code=False),
    )
    wide.begin()
    assert wide.run.state == "success"
