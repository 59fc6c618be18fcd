"""Facts that come in as rows: applied like those of a connection, once, and deleted with what follows from them."""

from __future__ import annotations

from world import World

from tradewind.agent.protocol import report_of, written
from tradewind.model.facts import AttemptFinished, AttemptStarted, Fact, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Succeeded
from tradewind.model.spec import TaskSpec
from tradewind.store.facts import FactRepository

A_THEN_B = (TaskSpec(task_id="a", downstream=("b",)), TaskSpec(task_id="b", inputs=(("a", "k"),)))


def put(world: World, order: Order, n: int, fact: Fact, session: str = "session-1") -> None:
    """A sender without a connection writes a fact, and rings."""
    report = report_of(n, fact)
    FactRepository(world.store).put(
        shard=0, attempt_id=order.attempt_id, session=session, n=n, kind=report.kind, body=written(report)
    )


def end(world: World, order: Order) -> AttemptFinished:
    now = world.clock.now()
    xcom = XCom(key="k", value=b'"v"', size=3)
    return AttemptFinished(
        attempt_id=order.attempt_id, outcome=Succeeded(), started_at=now, ended_at=now, xcoms=(xcom,)
    )


def waiting(world: World) -> int:
    return len(FactRepository(world.store).waiting())


def test_facts_in_the_table_move_a_run_on_and_are_gone(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    put(world, order, 1, AttemptStarted(attempt_id=order.attempt_id, at=world.clock.now()))
    put(world, order, 2, end(world, order))
    world.scheduler.ring()
    world.settle()

    assert world.states() == {"a": "success", "b": "queued"}
    assert world.executor.orders["b"].xcoms[0].value == b'"v"'
    assert waiting(world) == 0


def test_they_are_found_without_a_bell(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    put(world, order, 1, end(world, order))
    world.clock.pass_by(seconds=1.1)
    world.settle()

    assert world.states() == {"a": "success", "b": "queued"}


def test_a_fact_that_was_delivered_again_changes_nothing(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    for _ in range(2):
        put(world, order, 1, end(world, order))
        world.scheduler.ring()
        world.settle()

    assert world.states() == {"a": "success", "b": "queued"}
    assert len(world.attempts.of_task_instance(world.instance("a").pk)) == 1
    assert waiting(world) == 0


def test_a_fact_of_somebody_who_does_not_hold_the_claim_is_dropped(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    put(world, order, 1, end(world, order), session="somebody-else")
    world.scheduler.ring()
    world.settle()

    assert world.states() == {"a": "queued", "b": None}
    assert waiting(world) == 0


def test_a_worker_that_claimed_its_attempt_in_the_table_is_believed(world: World) -> None:
    world.executor.delivery = "at_least_once"  # type: ignore[misc]
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    assert world.attempts.claim(order.attempt_id, "worker-7", world.clock.now())
    put(world, order, 1, end(world, order), session="worker-6")
    put(world, order, 2, end(world, order), session="worker-7")
    world.scheduler.ring()
    world.settle()

    assert world.states() == {"a": "success", "b": "queued"}


def test_a_fact_that_cannot_be_read_is_put_aside_and_holds_nobody_up(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    door = FactRepository(world.store)
    door.put(shard=0, attempt_id=order.attempt_id, session="s", n=1, kind="finished", body=b"\xc1 rubbish")
    door.put(shard=0, attempt_id="x", session="s", n=1, kind="asset_updated", body=b"{}")
    put(world, order, 2, end(world, order))
    world.scheduler.ring()
    world.settle()

    assert world.states() == {"a": "success", "b": "queued"}
    assert waiting(world) == 0
    assert sorted(it.what for it in world.attempts.problems()) == [
        "a fact of kind asset_updated",
        "a fact of kind finished",
    ]


def test_a_commit_that_fails_keeps_the_rows(world: World) -> None:
    world.add_dag(*A_THEN_B)
    world.start()
    world.trigger()
    order = world.executor.orders["a"]
    put(world, order, 1, end(world, order))
    world.scheduler.close()
    assert waiting(world) == 1
    world.crash(held=(order.attempt_id,))

    assert world.states() == {"a": "success", "b": "queued"}
    assert waiting(world) == 0
