"""Facts on their way to a scheduler: numbered, sent together where they are close, kept until they are acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tradewind.agent.loop import Loop, Timer
from tradewind.agent.protocol import Message, Report, report_of
from tradewind.model.facts import AttemptStarted, Fact

_HOLD = 0.01  #: seconds that "started" waits for what may follow at once


class Receiver(Protocol):
    """The scheduler's end."""

    def send(self, *messages: Message) -> None: ...


class Reports:
    """The agent's outbox."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._receiver: Receiver | None = None
        self._last = 0
        self._kept: dict[int, Report] = {}
        self._when_acknowledged: dict[int, Callable[[], None]] = {}
        self._held: list[Report] = []
        self._timer: Timer | None = None

    def add(self, fact: Fact, when_acknowledged: Callable[[], None] | None = None) -> None:
        """Report a fact.

        :param when_acknowledged: called when a scheduler has committed it; such a fact is never held back.
        """
        self._last += 1
        report = report_of(self._last, fact)
        self._kept[report.n] = report
        self._held.append(report)
        if when_acknowledged is not None:
            self._when_acknowledged[report.n] = when_acknowledged
        if not isinstance(fact, AttemptStarted) or when_acknowledged is not None:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.later(_HOLD, self.flush)

    def flush(self) -> None:
        """Send what was held back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        if self._receiver is not None and held:
            self._receiver.send(*held)

    def attach(self, receiver: Receiver) -> None:
        """A scheduler is there: it gets everything that none has acknowledged."""
        self._receiver = receiver
        self._held = list(self._kept.values())
        self.flush()

    def detach(self) -> None:
        self._receiver = None

    def acknowledge(self, n: int) -> None:
        """Everything up to ``n`` is committed."""
        while self._kept and (number := next(iter(self._kept))) <= n:
            del self._kept[number]
            if call := self._when_acknowledged.pop(number, None):
                call()

    def attempts(self) -> set[str]:
        """Attempts that have a report on its way. What an asset's watcher reports is none of an attempt."""
        return {report.attempt_id for report in self._kept.values() if report.kind != "fired"}

    def concern(self, attempt_id: str) -> bool:
        kept = self._kept.values()
        return any(report.attempt_id == attempt_id and report.kind != "fired" for report in kept)

    def __bool__(self) -> bool:
        return bool(self._kept)
