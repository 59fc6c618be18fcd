"""The owner's side of the process that asks the timetables of plugins."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

import msgspec

from tradewind.ports.planner import PlannerHost, TimetableAnswer, TimetableQuestion

OnAnswer = Callable[[TimetableAnswer], None]


class SidePlanner:
    """A :class:`tradewind.ports.planner.Planner`: one process, started when it is first needed, asked one thing at a time.

    :param timeout: seconds for an answer; a process that takes longer is ended, and the question is answered by saying so.
    :param hidden: names of environment variables that plugins must not see.
    """

    def __init__(self, timeout: float, environ: Mapping[str, str], hidden: Collection[str] = ()) -> None:
        self._timeout = timeout
        self._environ = {name: value for name, value in environ.items() if name not in hidden}
        self._waiting: deque[tuple[TimetableQuestion, OnAnswer]] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._said = bytearray()
        self._asked = 0
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(TimetableAnswer).decode

    def ask(self, question: TimetableQuestion, on_answer: OnAnswer, host: PlannerHost) -> None:
        """See :class:`tradewind.ports.planner.Planner`."""
        self._waiting.append((question, on_answer))
        if len(self._waiting) == 1:
            self._put(host)

    def answer(self, question: TimetableQuestion) -> TimetableAnswer:
        """See :class:`tradewind.ports.planner.Planner`."""
        line, give_up = self._send(question), time.monotonic() + self._timeout
        while (left := give_up - time.monotonic()) > 0 and select.select([line], [], [], left)[0]:
            answer = self._take()
            if answer is not None:
                return answer
        self.close()
        return self._too_slow(question)

    def close(self) -> None:
        """See :class:`tradewind.ports.planner.Planner`."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._line is not None:
            self._line.close()
            self._line = None
        self._said.clear()

    # -- inside ----------------------------------------------------------------------------------------------

    def _put(self, host: PlannerHost) -> None:
        """Put the question that waits longest."""
        self._asked += 1
        fresh = self._line is None
        line = self._send(self._waiting[0][0])
        if fresh:
            host.watch(line, partial(self._readable, host))
        host.later(self._timeout, partial(self._give_up, self._asked, host))

    def _send(self, question: TimetableQuestion) -> socket.socket:
        text = self._encode(question) + b"\n"
        line = self._line or self._started()
        with suppress(OSError):  # a process that is gone says so when it is read
            line.sendall(text)
        return line

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tradewind.importing.timetables", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=self._environ,
                start_new_session=True,
            )
        self._line = ours
        return ours

    def _take(self) -> TimetableAnswer | None:
        """What has been said; ``None`` where it is not the whole answer yet."""
        assert self._line is not None
        try:
            said = self._line.recv(1 << 20)
        except OSError:
            said = b""
        if not said:
            self.close()
            return TimetableAnswer(
                error="The process that asks timetables of plugins ended without an answer."
            )
        self._said += said
        if not self._said.endswith(b"\n"):
            return None
        answer = self._decode(bytes(self._said))
        self._said.clear()
        return answer

    def _readable(self, host: PlannerHost) -> None:
        line = self._line
        answer = self._take()
        if self._line is None and line is not None:
            host.unwatch(line)
        if answer is not None:
            self._answered(answer, host)

    def _give_up(self, asked: int, host: PlannerHost) -> None:
        if asked == self._asked and self._waiting:
            if self._line is not None:
                host.unwatch(self._line)
            self.close()
            self._answered(self._too_slow(self._waiting[0][0]), host)

    def _answered(self, answer: TimetableAnswer, host: PlannerHost) -> None:
        if not self._waiting:
            return
        _, on_answer = self._waiting.popleft()
        self._asked += 1
        on_answer(answer)
        if self._waiting:
            self._put(host)

    def _too_slow(self, question: TimetableQuestion) -> TimetableAnswer:
        return TimetableAnswer(
            error=f"The timetable {question.timetable.type!r} gave no answer within {self._timeout:g} s "
            f"(scheduler.timetable_timeout_seconds)."
        )
