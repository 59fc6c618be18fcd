"""Waits after the commit: those that the scheduler looks after itself, and those that a triggerer does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tradewind.logic.live_run import Transition
from tradewind.model.facts import WaitEnded
from tradewind.model.waits import Wait
from tradewind.ports.clock import Clock
from tradewind.scheduler.externals import Externals
from tradewind.scheduler.memory import Memory
from tradewind.scheduler.triggers import Inbox, Triggers


class Waits:
    """Has every wait looked after, by whom it concerns: the scheduler's index of runs, or a triggerer."""

    def __init__(
        self,
        externals: Callable[[Callable[[str, dict[str, Any]], None]], Externals],
        triggers: Triggers,
        clock: Clock,
        memory: Callable[[], Memory],
        take_fact: Inbox,
    ) -> None:
        self.externals = externals(self._over)
        self.triggers = triggers
        self._clock = clock
        self._memory = memory
        self._take_fact = take_fact

    def reload(self) -> None:
        """Begin again with what is in memory."""
        self.externals.clear()
        for run, number in list(self._memory().waiting.values()):
            if run.waits[number].kind == "run":
                self.externals.add(run.waits[number])
        self.triggers.reload()

    def act(self, begun: list[Wait], over: list[Wait], transitions: list[Transition]) -> None:
        """After the commit: have waits looked after, or let go of."""
        for wait in over:
            if wait.kind == "trigger":
                self.triggers.forget(wait.attempt_id)
            elif wait.kind == "run":
                self.externals.discard(wait.attempt_id)
        for wait in begun:
            if wait.kind == "trigger":
                self.triggers.watch(wait.attempt_id)
            elif wait.kind == "run":
                self.externals.add(wait)
        if self.externals:
            self.externals.changed(transitions)
        self.triggers.flush()

    def _over(self, attempt_id: str, event: dict[str, Any]) -> None:
        text = json.dumps(event)
        self._take_fact(WaitEnded(attempt_id=attempt_id, at=self._clock.now(), event=text), "", None)
