"""The calling end of a line to a process that listens and outlives its caller: an agent, or a triggerer."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Protocol

from tradewind.agent.protocol import (
    PROTOCOL,
    Ack,
    Ask,
    Frames,
    Hello,
    Message,
    Reply,
    Report,
    Welcome,
    fact_of,
    frame,
)
from tradewind.agent.wire import READ_SIZE, connect
from tradewind.errors import TradewindError
from tradewind.model.facts import Fact
from tradewind.ports.executor import HasFileno

RETRY_FIRST, RETRY_LAST = 0.01, 0.5  #: seconds between attempts to reach the other side
DRAIN_EVERY = 0.002  #: seconds until what the other side did not take at once is offered again


class Surroundings(Protocol):
    """The loop that the caller lives in."""

    def watch(self, source: HasFileno, on_readable: Callable[[], None]) -> None: ...

    def unwatch(self, source: HasFileno) -> None: ...

    def later(self, seconds: float, call: Callable[[], None]) -> object: ...


class Customer(Protocol):
    """Whom the caller calls for."""

    def welcomed(self, welcome: Welcome) -> None:
        """The other side is there."""
        ...

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None]) -> None:
        """A fact has come in; ``acknowledge`` is called once it is committed."""
        ...

    def answer(self, ask: Ask) -> object:
        """The answer to a question.

        :raises TradewindError: in place of an answer.
        """
        ...

    def lost(self) -> None:
        """The connection is gone; whether the other side is, shows when there is one again."""
        ...

    def unreachable(self) -> None:
        """Nobody listens at present; it is tried again."""
        ...


class Caller:
    """Connects, and connects again; sends, and acknowledges what was committed.

    :param path: the Unix socket on which the other side listens.
    :param who: what the other side is, for messages.
    """

    def __init__(self, path: str, who: str, customer: Customer) -> None:
        self._path = path
        self._who = who
        self._customer = customer
        self._log = logging.getLogger(f"tradewind.{who}")
        self._around: Surroundings | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self.peer: Welcome | None = None
        self._out = bytearray()
        self._draining = False
        self._committed: dict[int, bool] = {}  # reports by number, oldest first, until they are acknowledged
        self._pause = RETRY_FIRST

    @property
    def started(self) -> bool:
        """Whether a connection is there, or sought."""
        return self._around is not None

    def start(self, around: Surroundings) -> None:
        """Connect, from now on."""
        self._around = around
        self._connect()

    def stop(self) -> None:
        """Let go."""
        self._drop()
        self._around = None

    def queue(self, *messages: Message) -> None:
        """To be sent with the next :meth:`flush`; passed over where there is no connection."""
        if self._socket is not None:
            for message in messages:
                self._out += frame(message)

    def flush(self) -> None:
        """Acknowledge what was committed, and send what was queued."""
        self._acknowledge()
        self._drain()

    # -- the connection --------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._around is None:
            return
        try:
            self._socket = connect(self._path)
        except (OSError, TradewindError):
            self._customer.unreachable()
            self._connect_later()
            return
        self._frames = Frames()
        self._around.watch(self._socket, self._read)
        self.queue(Hello("scheduler"))
        self._drain()

    def _connect_later(self) -> None:
        if self._around is not None:
            self._around.later(self._pause, self._connect)
            self._pause = min(2 * self._pause, RETRY_LAST)  # until somebody has welcomed us

    def _read(self) -> None:
        while self._socket is not None:
            try:
                data = self._socket.recv(READ_SIZE)
                if not data:
                    raise ConnectionResetError(f"closed by the {self._who}")
                messages = self._frames.feed(data)
            except (BlockingIOError, InterruptedError):
                return
            except (OSError, TradewindError) as error:
                self._lost(str(error))
                return
            for message in messages:
                if self._socket is None:
                    return  # what an earlier message led to has ended the connection
                self._take(message)
            if len(data) < READ_SIZE:
                return

    def _take(self, message: Message) -> None:
        match message:
            case Report():
                self._report(message)
            case Ask():
                self._answer(message)
            case Welcome():
                self._welcome(message)
            case _:
                self._log.warning("The %s sent a %s; passed over", self._who, type(message).__name__)

    def _welcome(self, welcome: Welcome) -> None:
        if welcome.protocol != PROTOCOL:
            self._log.error(
                "The %s (process %d) speaks protocol %d, not %d: it is of another version. End it, and `tradewind up` "
                "starts one of this version.",
                self._who,
                welcome.pid,
                welcome.protocol,
                PROTOCOL,
            )
            return
        self.peer = welcome
        self._pause = RETRY_FIRST
        self._customer.welcomed(welcome)

    def _report(self, report: Report) -> None:
        if self.peer is None:
            return
        session = self.peer.session
        self._committed.setdefault(report.n, False)

        def acknowledge() -> None:
            if report.n in self._committed and self.peer is not None and self.peer.session == session:
                self._committed[report.n] = True

        try:
            fact = fact_of(report)
        except (TradewindError, ValueError, KeyError) as error:
            self._log.error("A report of the %s cannot be read (%s); passed over", self._who, error)
            acknowledge()
            return
        self._customer.report(fact, session, acknowledge)

    def _answer(self, ask: Ask) -> None:
        try:
            self.queue(Reply(ask.id, self._customer.answer(ask), None, ask.attempt_id))
        except TradewindError as error:
            self.queue(Reply(ask.id, None, str(error), ask.attempt_id))
        except Exception as error:
            # Arguments come from user code, and whoever gets no answer would wait for ever.
            self._log.exception("A question of attempt %s has no answer: %s", ask.attempt_id, ask.operation)
            reason = f"{ask.operation!r} cannot be answered: {type(error).__name__}: {error}"
            self.queue(Reply(ask.id, None, reason, ask.attempt_id))
        self._drain()

    # -- sending ---------------------------------------------------------------------------------------------

    def _acknowledge(self) -> None:
        """Acknowledge up to the first report that is not committed: an acknowledgement covers all before it."""
        last = 0
        while self._committed and self._committed[number := next(iter(self._committed))]:
            del self._committed[number]
            last = number
        if last:
            self.queue(Ack(last))

    def _drain(self) -> None:
        """Send what the other side takes now; the rest a little later."""
        if self._socket is None or not self._out:
            return
        try:
            while self._out:
                del self._out[: self._socket.send(self._out)]
        except (BlockingIOError, InterruptedError):
            self._drain_later()
        except OSError as error:
            self._lost(str(error))

    def _drain_later(self) -> None:
        def drain() -> None:
            self._draining = False
            self._drain()

        if not self._draining and self._around is not None:
            self._draining = True
            self._around.later(DRAIN_EVERY, drain)

    def _lost(self, reason: str) -> None:
        self._log.info("The connection to the %s is gone (%s)", self._who, reason)
        self._drop()
        self._customer.lost()
        self._connect_later()

    def _drop(self) -> None:
        if self._socket is not None:
            if self._around is not None:
                self._around.unwatch(self._socket)
            self._socket.close()
        self._socket = self.peer = None
        self._out.clear()
        self._committed.clear()
