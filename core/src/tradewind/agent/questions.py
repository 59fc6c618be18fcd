"""Questions that DAG files ask while they are imported: relayed to the scheduler, and its answers back."""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import count
from typing import Protocol

from tradewind.agent.loop import Loop
from tradewind.agent.protocol import Ask, Message, Reply
from tradewind.agent.wire import Line


class Asker(Protocol):
    """The scheduler's end, for questions."""

    def send(self, *messages: Message) -> None: ...


class ImportQuestions:
    """All questions of imports. They belong to no attempt, so they go under an empty ``attempt_id`` and a number of ours."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._asker: Asker | None = None
        self._numbers = count(1)
        self._open: dict[int, tuple[Ask, Callable[[Reply], None]]] = {}

    def attach(self, asker: Asker) -> None:
        """A scheduler is there: it gets what none has answered."""
        self._asker = asker
        if self._open:
            asker.send(*(ask for ask, _ in self._open.values()))

    def detach(self) -> None:
        self._asker = None

    def add(self, ask: Ask, answer: Callable[[Reply], None]) -> int:
        """Ask; the number under which it can be withdrawn."""
        number = next(self._numbers)
        question = Ask(number, ask.operation, ask.arguments)
        self._open[number] = question, answer
        if self._asker is not None:
            self._asker.send(question)
        return number

    def withdraw(self, number: int) -> None:
        """Nobody waits for the answer any more."""
        self._open.pop(number, None)

    def reply(self, reply: Reply) -> None:
        """Pass an answer on."""
        if (found := self._open.pop(reply.id, None)) is not None:
            found[1](reply)

    def line(self) -> ImportLine:
        """A line for a process that is about to import."""
        return ImportLine(self._loop, self)


class ImportLine:
    """The line through which one import asks.

    :param theirs: the importing process's end.
    """

    def __init__(self, loop: Loop, questions: ImportQuestions) -> None:
        ours, self.theirs = socket.socketpair()
        self._questions = questions
        self._asked: list[int] = []
        self._line = Line(loop, ours, self._on_message, lambda _: self.close())

    def handed_over(self) -> None:
        """The other end is the process's now."""
        self.theirs.close()

    def close(self) -> None:
        """The import is over."""
        self.theirs.close()
        self._line.close()
        for number in self._asked:
            self._questions.withdraw(number)

    def _on_message(self, message: Message) -> None:
        if isinstance(message, Ask):
            asked = message.id
            answer = lambda reply: self._line.send(Reply(asked, reply.value, reply.error))  # noqa: E731
            self._asked.append(self._questions.add(message, answer))
