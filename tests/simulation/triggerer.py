"""A simulated triggerer: takes triggers over a real socket, and fires late, twice, or never, since it died.

The scheduler's end is the real one: it seeks the line, has a triggerer started where none listens, and says again what a
new one lacks.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tradewind.agent.protocol import Ack, Frames, Hello, Message, Unwatch, Watch, Welcome, frame, report_of
from tradewind.agent.wire import READ_SIZE, listen
from tradewind.model.facts import WaitEnded
from tradewind.scheduler.triggers import TriggererAccess

if TYPE_CHECKING:
    from .world import World


class SimTriggerer:
    """One at a time, each with a session of its own; it is there once somebody wants it."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self.access = TriggererAccess(str(path), self._wanted)
        self._listener: socket.socket | None = None
        self._line: socket.socket | None = None
        self._frames = Frames()
        self._starting = False
        self._session = ""
        self._watched: dict[str, None] = {}
        self._reports: dict[int, WaitEnded] = {}
        self._n = 0

    # -- life ------------------------------------------------------------------------------------------------

    def _wanted(self) -> None:
        if self._listener is None and not self._starting:
            self._starting = True
            stormy, dice = self._world.stormy, self._world.dice
            self._world.after(dice.choice((0.1, 5.0, 60.0)) if stormy else 0.1, self._start)

    def _start(self) -> None:
        self._starting = False
        self._session = self._world.ids.new_id()
        self._listener = listen(str(self._path))
        self._world.story.note("world", "a triggerer starts")

    def die(self) -> None:
        """The process is gone with all that it watches, and what it had to tell."""
        if self._listener is not None:
            self._world.story.note("world", "the triggerer dies")
            self.close()

    def cut(self, dice: Random) -> None:
        """The connection is lost, if there is one; both ends live."""
        if self._line is not None and dice.random() < 0.5:
            self._world.story.note("world", "the line to the triggerer is cut")
            self._hang_up()

    def close(self) -> None:
        """Leave nothing behind."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            os.unlink(self._path)
        self._listener = None
        self._watched.clear()
        self._reports.clear()

    # -- the line --------------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Take what has come; whether anything had."""
        heard = self._accept()
        while self._line is not None:
            try:
                data = self._line.recv(READ_SIZE)
            except BlockingIOError:
                return heard
            except OSError:
                data = b""
            if not data:
                self._hang_up()
                return True
            heard = True
            for message in self._frames.feed(data):
                self._take(message)
        return heard

    def _accept(self) -> bool:
        if self._listener is None:
            return False
        try:
            line, _ = self._listener.accept()
        except BlockingIOError:
            return False
        self._hang_up()
        line.setblocking(False)
        self._line, self._frames = line, Frames()
        return True

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _take(self, message: Message) -> None:
        match message:
            case Hello():
                held = {*self._watched, *(fact.attempt_id for fact in self._reports.values())}
                self._send(Welcome(self._session, "here", 1, 0, tuple(sorted(held))))
                for n in self._reports:
                    self._tell(n)
            case Watch():
                self._watch(message.wait_id)
            case Unwatch():
                self._watched.pop(message.wait_id, None)
            case Ack():
                for n in [n for n in self._reports if n <= message.n]:
                    del self._reports[n]

    def _send(self, message: Message) -> None:
        if self._line is not None:
            try:
                self._line.send(frame(message))
            except OSError:
                self._hang_up()

    # -- triggers --------------------------------------------------------------------------------------------

    def _watch(self, wait_id: str) -> None:
        if wait_id in self._watched or any(fact.attempt_id == wait_id for fact in self._reports.values()):
            return
        self._watched[wait_id] = None
        stormy, dice, session = self._world.stormy, self._world.dice, self._session
        delay = dice.choice((0.0, 0.5, 20.0, 300.0, 7200.0)) if stormy else 1.0
        self._world.after(delay, lambda: session == self._session and self._fire(wait_id))

    def _fire(self, wait_id: str) -> None:
        if wait_id not in self._watched:
            return
        del self._watched[wait_id]
        dice = self._world.dice
        self._report(wait_id, "no luck" if dice.random() < 0.1 else None)
        if self._world.stormy and dice.random() < 0.1:  # on second thoughts
            self._report(wait_id, None if dice.random() < 0.5 else "gone")

    def _report(self, wait_id: str, error: str | None) -> None:
        self._world.story.note("triggerer", "fires for %s", wait_id[-6:])
        self._n += 1
        event = None if error else json.dumps({"of": wait_id})
        self._reports[self._n] = WaitEnded(
            attempt_id=wait_id, at=self._world.clock.now(), event=event, error=error
        )
        n, session = self._n, self._session
        self._tell(n)
        if self._world.stormy and self._world.dice.random() < 0.1:
            later = self._world.dice.choice((0.0, 2.0, 60.0))
            self._world.after(later, lambda: session == self._session and self._tell(n))

    def _tell(self, n: int) -> None:
        if n in self._reports:
            self._send(report_of(n, self._reports[n]))
