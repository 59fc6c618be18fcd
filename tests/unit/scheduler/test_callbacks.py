"""Which changes call callbacks, and that each is called although processes die: read back from the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from world import World

from tradewind.model.commands import ClearTasks, MarkRun, MarkTasks
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted
from tradewind.model.order import Order
from tradewind.model.outcomes import Branched, Failed, Skipped, Succeeded
from tradewind.model.spec import TaskSpec
from tradewind.model.states import RunState, TaskState, TriggerRule
from tradewind.store.callbacks import CallbackRepository, CallbackRow

ALL = (
    "on_execute_callback",
    "on_failure_callback",
    "on_success_callback",
    "on_retry_callback",
    "on_skipped_callback",
)
OF_RUN = ("on_success_callback", "on_failure_callback")


def _task(task_id: str = "a", **fields: Any) -> TaskSpec:
    return TaskSpec(**{"task_id": task_id, "callbacks": ALL, "retry_delay": 0.0, **fields})


def _rows(world: World) -> list[CallbackRow]:
    return CallbackRepository(world.store).find("d")


def _called(world: World) -> list[tuple[str, str, str]]:
    """(task, callback, the state that it sees) of everything that was asked for."""
    return [(row.request.task_id, row.request.event, row.request.state) for row in _rows(world)]


def _orders(world: World) -> list[Order]:
    return [order for order in world.executor.submitted if order.kind == "callback"]


def _report(world: World, order: Order, outcome: Any = None) -> None:
    """The process of a callback has ended."""
    assert world.executor.host is not None
    now = world.clock.now()
    world.executor.host.report(AttemptStarted(attempt_id=order.attempt_id, at=now), "session-1")
    fact = AttemptFinished(
        attempt_id=order.attempt_id,
        outcome=outcome or Succeeded(),
        started_at=now,
        ended_at=world.clock.now(),
    )
    world.executor.host.report(fact, "session-1")
    world.settle()


def _started(world: World, *tasks: TaskSpec, **dag: Any) -> None:
    world.add_dag(*(tasks or (_task(),)), **dag)
    world.start()
    world.trigger()


def _ends(outcome: Any) -> Callable[[World], None]:
    return lambda world: (
        world.executor.begin("a"),
        world.settle(),
        world.executor.end("a", outcome),
        world.settle(),
    )


def _lost(world: World) -> None:
    world.executor.begin("a")
    world.settle()
    assert world.executor.host is not None
    world.executor.host.session_ended("session-1", "its agent is gone")
    world.settle()


def _marked(state: TaskState) -> Callable[[World], None]:
    def mark(world: World) -> None:
        world.executor.begin("a")
        world.settle()
        world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=state))

    return mark


@pytest.mark.parametrize(
    ("happens", "retries", "called"),
    [
        (_ends(Succeeded()), 0, ("on_success_callback", "success")),
        (_ends(Branched(("x",))), 0, ("on_success_callback", "success")),
        (_ends(Skipped("nothing to do")), 0, ("on_skipped_callback", "skipped")),
        (_ends(Failed("ValueError: no")), 0, ("on_failure_callback", "failed")),
        (_ends(Failed("ValueError: no")), 1, ("on_retry_callback", "up_for_retry")),
        (_ends(Failed("FailTask", retry="never")), 1, ("on_failure_callback", "failed")),
        (_ends(Failed("killed by signal 9 (SIGKILL)")), 0, ("on_failure_callback", "failed")),
        (_lost, 0, ("on_failure_callback", "failed")),
        (_lost, 1, ("on_retry_callback", "up_for_retry")),
        (_marked(TaskState.FAILED), 1, ("on_failure_callback", "failed")),
        (_marked(TaskState.SUCCESS), 0, ("on_success_callback", "success")),
    ],
)
def test_the_callback_is_the_one_of_the_state_that_an_attempt_led_to(
    world: World, happens: Callable[[World], None], retries: int, called: tuple[str, str]
) -> None:
    _started(world, _task(retries=retries))
    happens(world)
    assert _called(world) == [("a", *called)]


def test_a_state_without_an_attempt_calls_nothing(world: World) -> None:
    tasks = (
        _task("a", downstream=("upstream_failed", "not_needed")),
        _task("upstream_failed"),
        _task("not_needed", trigger_rule=TriggerRule.ALL_SKIPPED),
        _task("waits_for_hand", downstream=("marked",)),
        _task("marked"),
    )
    _started(world, *tasks)
    world.send(MarkTasks(dag_id="d", run_id="r", task_ids=("marked",), state=TaskState.FAILED))
    world.executor.end("a", Failed("no"))
    world.settle()
    assert world.states()["upstream_failed"] == "upstream_failed"
    assert world.states()["not_needed"] == "skipped"
    assert _called(world) == [("a", "on_failure_callback", "failed")]


def test_a_task_that_is_cleared_while_it_runs_calls_nothing(world: World) -> None:
    _started(world)
    world.executor.begin("a")
    world.settle()
    world.send(ClearTasks(dag_id="d", run_id="r"))
    world.executor.end("a", Failed("cleared", retry="never"))
    world.settle()
    assert world.states() == {"a": "queued"}
    assert _called(world) == []


def test_tasks_that_a_failure_stops_call_theirs(world: World) -> None:
    _started(world, _task("a"), _task("b"), fail_fast=True)
    world.executor.begin("b")
    world.executor.end("a", Failed("no"))
    world.settle()
    assert sorted(_called(world)) == [
        ("a", "on_failure_callback", "failed"),
        ("b", "on_failure_callback", "failed"),
    ]


@pytest.mark.parametrize(
    ("outcome", "callback", "reason"),
    [
        (Succeeded(), "on_success_callback", "success"),
        (Failed("no"), "on_failure_callback", "task_failure"),
    ],
)
def test_a_run_calls_its_own_when_its_tasks_end_it(
    world: World, outcome: Any, callback: str, reason: str
) -> None:
    _started(world, TaskSpec(task_id="a", downstream=("b",)), TaskSpec(task_id="b"), callbacks=OF_RUN)
    world.executor.end("a", outcome)
    world.settle()
    if isinstance(outcome, Succeeded):
        world.executor.end("b")
        world.settle()
    (row,) = _rows(world)
    assert (row.request.names, row.request.of_run) == ((callback,), True)
    assert (row.request.reason, row.request.run_state) == (reason, world.run().state)
    assert row.request.task_id == ("b" if isinstance(outcome, Succeeded) else "a")


def test_a_run_calls_its_own_when_its_time_is_over_and_not_where_it_is_marked(world: World) -> None:
    world.add_dag(_task(), callbacks=OF_RUN, dagrun_timeout=60.0)
    world.start()
    world.trigger()
    world.clock.pass_by(seconds=61)
    world.settle()
    assert [(row.request.event, row.request.reason) for row in _rows(world)] == [
        ("on_failure_callback", "timed_out")
    ]

    world.send(MarkRun(dag_id="d", run_id="r", state=RunState.SUCCESS))
    assert len(_rows(world)) == 1


def test_what_a_callback_is_told_is_how_it_was_although_the_task_goes_on(world: World) -> None:
    _started(world, _task(retries=1))
    world.executor.begin("a")
    world.executor.end("a", Failed("KeyError: 'x'", ("builtins.KeyError", "builtins.LookupError")))
    world.settle()
    (order,) = _orders(world)
    assert (world.instance("a").state, world.instance("a").try_number) == ("queued", 2)
    assert order.callback is not None
    assert (order.try_number, order.callback.state) == (1, "up_for_retry")
    assert order.callback.exceptions == ("builtins.KeyError", "builtins.LookupError")
    assert order.callback.reason.startswith("KeyError: 'x'; try 2 of 2 in 0 s")
    assert order.log_path == "d/r/a/1.on_retry_callback.log"
    assert order.timeout == 300.0


def test_the_next_task_is_handed_over_before_the_callback(world: World) -> None:
    _started(world, _task("a", downstream=("b",)), _task("b"))
    world.executor.end("a")
    world.settle()
    assert [(order.kind, order.task_id) for order in world.executor.submitted] == [
        ("task", "a"),
        ("task", "b"),
        ("callback", "a"),
    ]


def test_callbacks_hold_no_slot_and_there_are_only_so_many_at_once(world: World) -> None:
    _started(world, *(_task(f"t{number}") for number in range(6)))
    while world.executor.orders:
        waiting = [
            order
            for order in world.executor.submitted
            if order.kind == "task" and world.states()[order.task_id] == "queued"
        ]
        if not waiting:
            break
        world.executor.orders = {order.task_id: order for order in waiting}
        for order in waiting:
            world.executor.end(order.task_id)
        world.settle()
    assert set(world.states().values()) == {"success"}
    assert world.run().state == "success"
    assert len(_orders(world)) == 4
    for number in range(6):
        _report(world, _orders(world)[number])
    assert len(_orders(world)) == 6
    assert world.attempts.open_attempts() == []


def test_one_that_raised_or_took_too_long_is_recorded_and_not_called_again(world: World) -> None:
    _started(world, _task("a", downstream=("b",)), _task("b"))
    world.executor.end("a")
    world.settle()
    raised = Failed("on_success_callback f() raised ValueError: no", ("builtins.ValueError",), retry="never")
    _report(world, _orders(world)[0], raised)
    world.executor.end("b")
    world.settle()
    _report(world, _orders(world)[1], Failed("too long", ("tradewind.errors.TaskTimeout",)))
    assert [row.attempt.outcome for row in _rows(world)] == ["failed", "failed"]
    assert world.states() == {"a": "success", "b": "success"}
    assert world.attempts.open_attempts() == []


def test_one_whose_process_is_killed_is_called_again_so_many_times(world: World) -> None:
    _started(world)
    world.executor.end("a")
    world.settle()
    for number in range(5):
        _report(world, _orders(world)[number], Failed("killed by signal 9 (SIGKILL)"))
    rows = _rows(world)
    assert [row.attempt.physical_no for row in rows] == [1, 2, 3, 4, 5]
    assert {row.attempt.outcome for row in rows} == {"failed"}
    assert world.attempts.open_attempts() == []


def test_one_whose_agent_is_gone_is_called_by_the_next(world: World) -> None:
    _started(world)
    world.executor.end("a")
    world.settle()
    world.crash(session="session-2")
    (order,) = _orders(world)
    assert [row.attempt.outcome for row in _rows(world)] == ["lost", None]
    assert order.callback is not None
    assert order.callback.event == "on_success_callback"


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_scheduler_that_dies_leaves_none_uncalled(world: World, handed_over: bool) -> None:
    _started(world)
    if not handed_over:
        world.executor._capacity = 0  # its agent is away
    world.executor.end("a")
    world.settle()
    before = _orders(world)
    assert len(before) == handed_over
    assert world.run().state == "success"
    world.crash()
    (order,) = _orders(world)
    assert [order.attempt_id] == [row.attempt.id for row in _rows(world)]
    _report(world, order)
    assert [row.attempt.outcome for row in _rows(world)] == ["succeeded"]


def test_one_that_an_agent_holds_is_not_handed_over_twice(world: World) -> None:
    _started(world)
    world.executor.end("a")
    world.settle()
    (order,) = _orders(world)
    world.crash(held=(order.attempt_id,))
    assert _orders(world) == []
    _report(world, order)
    assert [row.attempt.outcome for row in _rows(world)] == ["succeeded"]


def test_nobody_else_can_say_how_one_ended(world: World) -> None:
    _started(world)
    world.executor.end("a")
    world.settle()
    (order,) = _orders(world)
    assert world.executor.host is not None
    lost = AttemptLost(attempt_id=order.attempt_id, at=world.clock.now(), reason="")
    world.executor.host.report(lost, "session-0")
    world.settle()
    assert [row.attempt.outcome for row in _rows(world)] == [None]


def test_a_command_without_a_scheduler_writes_what_the_next_one_calls(world: World) -> None:
    _started(world)
    world.executor.begin("a")
    world.settle()
    world.scheduler.close()
    world.scheduler = world._made()
    command_id = world.ids.new_id()
    command = MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.FAILED)
    world.commands.submit(command, id=command_id, actor="ann", at=world.clock.now())
    world.scheduler.apply_alone(command_id)
    assert [row.attempt.claimed_by for row in _rows(world)] == [None]
    world.crash()
    (order,) = _orders(world)
    assert order.callback is not None
    assert order.callback.reason == "marked by ann"
