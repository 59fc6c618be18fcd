"""A task that asks waits without a slot, goes on with one answer, and whatever dies in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from world import World

from tradewind.model.commands import ClearTasks, MarkTasks, RespondInput
from tradewind.model.outcomes import AwaitsInput, Failed
from tradewind.model.spec import TaskSpec
from tradewind.model.states import TaskState
from tradewind.model.waits import FAIL
from tradewind.store.human_input import InputRepository, InputRow
from tradewind.store.rows import CommandRow

FORM = {"days": {"default": 7, "schema": {"type": "integer", "minimum": 1}}, "city": {"has_default": False}}
QUESTION = {"subject": "Ship it?", "options": ["yes", "no"], "params": FORM}


def _asked(world: World, timeout: float | None = None, **payload: Any) -> None:
    world.add_dag(TaskSpec(task_id="a", retries=1, retry_delay=0.0, downstream=("b",)), TaskSpec(task_id="b"))
    world.start()
    world.trigger()
    world.executor.begin("a")
    world.executor.end("a", AwaitsInput({**QUESTION, **payload}, timeout=timeout))
    world.settle()


def _row(world: World) -> InputRow:
    return InputRepository(world.store).find("d", "r", "a")[0]


def _respond(world: World, *options: str, params: dict[str, Any] | None = None) -> CommandRow:
    given = {"city": "Oslo"} if params is None else params
    return world.send(RespondInput(dag_id="d", run_id="r", task_id="a", options=options, params=given))


def test_it_waits_without_a_slot_and_the_same_try_goes_on_with_the_answer(world: World) -> None:
    _asked(world)
    assert world.instance("a").state == "deferred"
    assert world.instance("a").reason == "waits for an answer: Ship it?"
    assert not world.scheduler.memory.admission.ledger.admitted

    assert _respond(world, "yes").result == {
        "chosen_options": ["yes"],
        "params_input": {"days": 7, "city": "Oslo"},
    }
    order = world.executor.orders["a"]
    assert order.try_number == 1
    assert order.resume is not None
    assert order.resume["method"] == "execute_complete"
    event = json.loads(order.resume["event"])
    assert (event["chosen_options"], event["params_input"]) == (["yes"], {"days": 7, "city": "Oslo"})
    assert (event["responded_by_user"]["name"], event["timedout"]) == ("ann", False)

    world.executor.begin("a")
    world.executor.end("a")
    world.settle()
    assert world.states() == {"a": "success", "b": "queued"}
    answer = _row(world).answer
    assert answer is not None
    assert (answer.by, _row(world).open) == ("ann", False)


@pytest.mark.parametrize(
    ("options", "params", "why"),
    [
        (("maybe",), None, "There is no option 'maybe'; choose from 'yes', 'no'"),
        (("yes", "no"), None, "Choose one option, not 2"),
        ((), None, "Choose one option, not 0"),
        (("yes",), {}, "needs a value for the param 'city'"),
        (("yes",), {"city": "Oslo", "days": 0}, "'days' cannot have this value: 0 is below the minimum 1"),
        (("yes",), {"city": "Oslo", "town": "x"}, "There is no field 'town' in the form"),
    ],
)
def test_what_is_no_answer_is_refused_and_it_goes_on_waiting(
    world: World, options: tuple[str, ...], params: dict[str, Any] | None, why: str
) -> None:
    _asked(world)
    assert why in (_respond(world, *options, params=params).refused_reason or "")
    assert world.instance("a").state == "deferred"
    assert _respond(world, "no").refused_reason is None


def test_only_those_who_are_asked_may_answer(world: World) -> None:
    _asked(world, assigned_users=["bob"])
    assert "ann may not answer this: it is asked of bob" in (_respond(world, "yes").refused_reason or "")


def test_there_is_one_answer(world: World) -> None:
    _asked(world)
    _respond(world, "yes")
    assert "waits for no answer: it is queued" in (_respond(world, "no").refused_reason or "")
    world.executor.end("a")
    world.settle()
    assert "waits for no answer: it is success" in (_respond(world, "no").refused_reason or "")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"defaults": ["no"], "params": {}}, {"chosen_options": ["no"], "timedout": True}),
        ({"params": {}}, None),
        ({"defaults": ["no"]}, None),
    ],
)
@pytest.mark.parametrize("dies", [True, False])
def test_when_its_time_is_over_it_goes_on_with_the_defaults_or_without(
    world: World, payload: dict[str, Any], expected: dict[str, Any] | None, dies: bool
) -> None:
    _asked(world, timeout=60.0, **payload)
    if dies:
        world.crash()
    world.clock.pass_by(seconds=59)
    world.settle()
    assert world.instance("a").state == "deferred"
    world.clock.pass_by(seconds=1)
    world.settle()
    resume = world.executor.orders["a"].resume
    assert resume is not None
    if expected is None:
        assert (resume["method"], resume["timed_out"]) == (FAIL, True)
    else:
        event = json.loads(resume["event"])
        assert {name: event[name] for name in expected} == expected


def test_an_answer_survives_the_scheduler_and_a_lost_attempt_but_not_the_try(world: World) -> None:
    _asked(world)
    world.crash()
    _respond(world, "yes")
    world.crash(session="session-2")  # the agent is gone too, before the attempt began
    order = world.executor.orders["a"]
    assert (order.try_number, order.resume is not None) == (1, True)
    assert world.executor.host is not None
    world.executor.end("a", Failed("no"), session="session-2")
    world.settle()
    order = world.executor.orders["a"]
    assert (order.try_number, order.resume) == (2, None)
    assert not _row(world).open


def test_a_task_that_is_marked_or_cleared_asks_no_more(world: World) -> None:
    _asked(world)
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("a",)))
    assert world.executor.orders["a"].resume is None
    assert (_row(world).open, _row(world).answer) == (False, None)
    assert "waits for no answer" in (_respond(world, "yes").refused_reason or "")
    world.executor.end("a", AwaitsInput(QUESTION))
    world.settle()
    world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS))
    assert world.states() == {"a": "success", "b": "queued"}
    assert InputRepository(world.store).find(open_only=True) == []


def test_a_task_that_asks_nothing_that_can_be_shown_fails(world: World) -> None:
    _asked(world, options="yes")
    assert world.instance("a").state == "failed"
    assert "asked for input in a way that cannot be shown" in world.instance("a").reason


def test_a_question_is_answered_in_the_version_that_its_run_has_taken_meanwhile(world: World) -> None:
    world.add_dag(TaskSpec(task_id="gone"), TaskSpec(task_id="a"), TaskSpec(task_id="other"))
    world.start()
    world.trigger()
    for name in ("gone", "a"):
        world.executor.end(name, AwaitsInput(QUESTION))
    world.executor.end("other", Failed("no", retry="never"))
    world.settle()
    world.add_dag(TaskSpec(task_id="a"), TaskSpec(task_id="other"))
    world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("other",), run_on_latest_version=True))

    assert [it.task_id for it in InputRepository(world.store).find("d", "r", open_only=True)] == ["a"]
    assert _respond(world, "yes").refused_reason is None
    assert world.states() == {"gone": "removed", "a": "queued", "other": "queued"}
