"""Waits after the commit: those that the scheduler looks after itself, and those that a triggerer does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from tradewind.errors import StoreError
from tradewind.logic.live_run import Transition
from tradewind.model.facts import WaitEnded
from tradewind.model.waits import Wait
from tradewind.ports.clock import Clock
from tradewind.scheduler.externals import Externals
from tradewind.scheduler.memory import Memory
from tradewind.scheduler.triggers import RETRY_AFTER, Inbox, Triggers
from tradewind.scheduler.turn import Turn

log = logging.getLogger("tradewind.scheduler")


class Waits:
    """Has every wait looked after, by whom it concerns: the scheduler's index of runs, or a triggerer."""

    def __init__(
        self,
        externals: Callable[[Callable[[str, dict[str, Any]], None]], Externals],
        triggers: Triggers,
        clock: Clock,
        memory: Callable[[], Memory],
        take_fact: Inbox,
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self.externals = externals(self._over)
        self.triggers = triggers
        self._clock = clock
        self._memory = memory
        self._take_fact = take_fact
        self._later = later

    def reload(self) -> None:
        """Begin again with what is in memory."""
        self.triggers.reload()
        self._look_again()

    def act(self, turn: Turn) -> None:
        """After the commit: have waits looked after, or let go of, and assets watched."""
        begun, over = turn.effects.begun_waits, turn.effects.ended_waits
        for wait in over:
            if wait.kind == "trigger":
                self.triggers.forget(wait.attempt_id)
        for wait in begun:
            if wait.kind == "trigger":
                self.triggers.watch(wait.attempt_id)
        self.triggers.look_at(turn.touched.values())
        self.triggers.flush()
        self._act_on_runs(
            [wait for wait in begun if wait.kind == "run"],
            [wait for wait in over if wait.kind == "run"],
            turn.machine.delta.transitions,
        )

    def _act_on_runs(self, begun: list[Wait], over: list[Wait], transitions: list[Transition]) -> None:
        if not begun and not over and not self.externals:
            return
        try:
            for wait in over:
                self.externals.discard(wait.attempt_id)
            for wait in begun:
                self.externals.add(wait)
            self.externals.changed(transitions)
        except StoreError as error:
            self._not_now(error)

    def _look_again(self) -> None:
        """Take up all who wait for runs; each is looked at."""
        self.externals.clear()
        waits = [run.waits[number] for run, number in self._memory().waiting.values()]
        try:
            for wait in waits:
                if wait.kind == "run":
                    self.externals.add(wait)
        except StoreError as error:
            self._not_now(error)

    def _not_now(self, error: StoreError) -> None:
        log.warning("Who waits for other DAGs could not be looked after, it is tried again: %s", error)
        self._later(RETRY_AFTER, self._look_again)

    def _over(self, attempt_id: str, event: dict[str, Any]) -> None:
        text = json.dumps(event)
        self._take_fact(WaitEnded(attempt_id=attempt_id, at=self._clock.now(), event=text), "", None)
