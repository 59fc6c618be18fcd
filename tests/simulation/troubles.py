"""What goes wrong in the storm: crashes at named points, store faults, cut lines, dying agents, jumps of the clock."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import TYPE_CHECKING

from tradewind.errors import StoreError

if TYPE_CHECKING:
    from .world import World


class Crash(BaseException):
    """The scheduler's process is gone, here and now."""


class Troubles:
    """Decides when what goes wrong. Each seed has its own weather: some are calm in one respect or another."""

    def __init__(self, world: World, dice: Random) -> None:
        self._world = world
        self._dice = dice
        self._crash_in = self._countdown((0, 40, 150))
        self._fault_in = self._countdown((0, 0, 15, 60))
        self._cuts = dice.choice((0.0, 0.0, 0.05))
        self._deaths = dice.choice((0.0, 0.02, 0.08))
        self._locks = dice.choice((0.0, 0.0, 0.03))
        self._jumps = dice.choice((0.0, 0.0, 0.05))
        self._lock: sqlite3.Connection | None = None

    def _countdown(self, typical: tuple[int, ...]) -> int:
        """Points to pass until it happens; 0: never."""
        longest = self._dice.choice(typical)
        return self._dice.randint(1, longest) if longest else 0

    def hazard(self, point: str) -> None:
        """The scheduler passes a point at which it may die, or at which the store may fail."""
        world = self._world
        if not world.stormy:
            return
        if self._crash_in:
            self._crash_in -= 1
            if not self._crash_in:
                self._crash_in = self._dice.choice((0, self._dice.randint(1, 100)))
                world.story.note("world", "the scheduler dies at %r", point)
                raise Crash(point)
        if self._fault_in and point in ("written", "committed"):
            self._fault_in -= 1
            if not self._fault_in:
                self._fault_in = self._dice.choice((0, self._dice.randint(1, 30)))
                kept = "what was committed is kept" if point == "committed" else "nothing is kept"
                world.story.note("world", "the commit fails at %r: %s", point, kept)
                raise StoreError("the connection to the server is lost", transient=True)

    def stir(self) -> None:
        """Called now and then while the storm lasts."""
        world, dice = self._world, self._dice
        if dice.random() < self._cuts:
            world.cut_line(dice)
        if dice.random() < self._deaths:
            world.kill_agent(dice)
        if dice.random() < self._jumps:
            seconds = dice.choice((-86400.0, -3600.0, -5.0, 5.0, 3600.0, 86400.0))
            world.story.note("world", "the time of day jumps by %g s", seconds)
            world.clock.jump(seconds)
        if dice.random() < self._locks and self._lock is None:
            self._lock_store(dice.choice((0.1, 3.0, 30.0)))

    def _lock_store(self, seconds: float) -> None:
        lock = sqlite3.connect(self._world.path, isolation_level=None, timeout=0)
        try:
            lock.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # the scheduler is in the middle of a transaction
            lock.close()
            return
        self._lock = lock
        self._world.story.note("world", "somebody locks the store for %g s", seconds)
        self._world.after(seconds, self.unlock)

    def unlock(self) -> None:
        """Whoever held the store lets it go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
