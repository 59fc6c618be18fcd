"""Commands and facts go in once and come out in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tradewind.errors import SerializationError
from tradewind.model.commands import COMMANDS, ClearTasks, MarkTasks, SetPaused, TriggerRun
from tradewind.model.ids import shard_of
from tradewind.model.states import RunType, TaskState
from tradewind.store import tables as t
from tradewind.store.commands import CommandRepository
from tradewind.store.engine import Store
from tradewind.store.facts import FactRepository

from .samples import DAY

NewRun = Callable[..., tuple[int, list[int]]]


@pytest.mark.parametrize(
    "command",
    [
        TriggerRun(dag_id="d", conf={"k": [1, None, "é"]}, logical_date=DAY, run_type=RunType.BACKFILL),
        ClearTasks(dag_id="d", run_id="r", task_ids=("a", "b"), only=(TaskState.FAILED,)),
        MarkTasks(dag_id="d", run_id="r", task_ids=("a",), state=TaskState.SUCCESS),
    ],
)
def test_a_command_comes_back_as_it_was_sent(store: Store, command: Any) -> None:
    commands = CommandRepository(store)
    commands.submit(command, id="c1", actor="me", at=DAY)
    (row,) = commands.open_commands()
    assert row.command == command
    assert (row.actor, row.at, row.shard, row.kind) == ("me", DAY, shard_of("d"), command.kind)
    assert COMMANDS[row.kind] is type(command)


def test_a_command_sent_twice_is_one_and_the_oldest_comes_first(store: Store) -> None:
    commands = CommandRepository(store)
    for id, second in (("b", 2), ("a", 3), ("c", 1), ("b", 9)):
        commands.submit(
            SetPaused(dag_id="d", paused=False), id=id, actor="me", at=DAY + timedelta(seconds=second)
        )
    assert [row.id for row in commands.open_commands()] == ["c", "b", "a"]
    assert [row.id for row in commands.history("d")] == ["a", "b", "c"]
    assert commands.open_commands(shards={shard_of("d") + 1}) == []
    assert commands.get("unknown") is None


def test_a_command_that_json_cannot_hold_is_refused(store: Store) -> None:
    with pytest.raises(SerializationError, match="trigger_run for 'd'"):
        CommandRepository(store).submit(
            TriggerRun(dag_id="d", conf={"k": object()}), id="c", actor="me", at=DAY
        )


def test_a_command_of_a_newer_version_is_handed_out_unread(store: Store) -> None:
    row = {"id": "c", "shard": 1, "dag_id": "d", "actor": "me", "kind": "dance", "body": "{}", "at": DAY}
    with store.write() as connection:
        connection.execute(t.command.insert(), row | {"open": True})
    (found,) = CommandRepository(store).open_commands()
    assert (found.id, found.command) == ("c", None)


def test_facts_wait_in_the_order_of_their_arrival(store: Store) -> None:
    facts = FactRepository(store)
    for n in (1, 2, 1):
        facts.put(shard=n, attempt_id="a", session="s", n=n, kind="started", body=b"%d" % n)
    assert [(fact.n, fact.body) for fact in facts.waiting()] == [(1, b"1"), (2, b"2")]
    assert [fact.n for fact in facts.waiting({2})] == [2]
