"""People and their commands, and the outside that they look at: the store's committed rows."""

from __future__ import annotations

import json
import sqlite3
from random import Random
from typing import TYPE_CHECKING

from tradewind.errors import StoreError
from tradewind.model.commands import Command, PoolChanged
from tradewind.store.commands import CommandRepository
from tradewind.store.pools import PoolRepository

if TYPE_CHECKING:
    from .world import World


class People:
    """Whoever asks for something. What they asked for must come to pass, or be refused."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._commands = CommandRepository(world.store)
        self._pools = PoolRepository(world.store)
        self.receipts: dict[str, Command] = {}
        #: (newest transition before, newest transition after it counts, slots) of each pool
        self.pool_changes: dict[str, list[list[int | None]]] = {}

    def ask(self, command: Command) -> str | None:
        """Hand a command in; ``None`` where the store is locked."""
        id = self._world.ids.new_id()
        try:
            self._commands.submit(command, id=id, actor="ann", at=self._world.clock.now())
        except StoreError:
            return None
        self.receipts[id] = command
        self._world.story.note("ann", "asks: %s", command)
        if self._world.dice.random() < 0.8:
            self._world.ring()
        return id

    def set_pool(self, name: str, slots: int) -> None:
        """Change a pool, as ``tradewind pools set`` does."""
        try:
            self._pools.set(name, slots)
        except StoreError:
            return
        newest = self._world.newest_transition()
        change: list[int | None] = [newest, None, slots]
        self.pool_changes.setdefault(name, []).append(change)
        id = self.ask(PoolChanged(name=name))
        if id is not None:
            self._world.when_applied(id, lambda: change.__setitem__(1, self._world.newest_transition()))

    def some_run(self, dice: Random) -> sqlite3.Row | None:
        """A run that there is."""
        rows = self._world.rows("SELECT id, dag_id, run_id, version_id FROM dag_run ORDER BY id")
        return dice.choice(rows) if rows else None

    def task_ids(self, run: sqlite3.Row) -> list[str]:
        """The tasks of a run."""
        found = self._world.rows("SELECT task_id FROM task_instance WHERE run_pk = ? ORDER BY id", run["id"])
        return [row["task_id"] for row in found]

    def with_downstream(self, run: sqlite3.Row, task_ids: set[str]) -> set[str]:
        """These tasks and all behind them."""
        spec = self._world.files.specs[run["version_id"]]
        chosen = set(task_ids)
        for task in spec.tasks:  # in the order of the file, in which edges lead forward
            if task.task_id in chosen:
                chosen.update(task.downstream)
        return chosen


def body_of(row: sqlite3.Row) -> dict[str, object]:
    """A command's fields."""
    found: dict[str, object] = json.loads(row["body"])
    return found
