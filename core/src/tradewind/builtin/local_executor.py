"""The local executor: hands orders to this machine's agent over a Unix socket, and takes its reports."""

from __future__ import annotations

import logging
import socket
from typing import ClassVar, Literal

from tradewind.agent.protocol import (
    PROTOCOL,
    Ack,
    Ask,
    Bundle,
    Cancel,
    EndLog,
    Frames,
    Hello,
    Launch,
    Message,
    Prepare,
    Reply,
    Report,
    Welcome,
    fact_of,
    frame,
)
from tradewind.agent.wire import READ_SIZE, connect
from tradewind.errors import TradewindError
from tradewind.model.order import Order
from tradewind.ports.executor import Executor, ExecutorHost

log = logging.getLogger("tradewind.executor.local")

RETRY_FIRST, RETRY_LAST = 0.01, 0.5  #: seconds between attempts to reach the agent
DRAIN_EVERY = 0.002  #: seconds until what the agent did not take at once is offered again


class LocalExecutor(Executor):
    """A process for each attempt, on this machine.

    :param socket_path: where the agent listens.
    """

    name: ClassVar[str] = "local"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._host: ExecutorHost | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self._agent: Welcome | None = None
        self._sent: set[str] = set()  # versions whose files went over this connection
        self._out = bytearray()
        self._draining = False
        self._committed: dict[int, bool] = {}  # reports by number, oldest first, until they are acknowledged
        self._pause = RETRY_FIRST

    @property
    def capacity(self) -> int:
        return self._agent.capacity if self._agent is not None else 0

    @property
    def session(self) -> str | None:
        return self._agent.session if self._agent is not None else None

    def start(self, host: ExecutorHost) -> None:
        self._host = host
        self._connect()

    def submit(self, order: Order) -> None:
        if self._agent is None or self._host is None:
            return  # its agent is gone: the order is handed over again, or lost, when there is one
        self._send_files(self._host, order.version_id)
        self._queue(Launch(order))

    def cancel(self, attempt_id: str, reason: str) -> None:
        self._queue(Cancel(attempt_id, reason))

    def prepare(self, version_id: str, attempts: int) -> None:
        if self._agent is not None and self._host is not None:
            self._send_files(self._host, version_id)
            self._queue(Prepare(version_id, attempts))

    def end_log(self, log_path: str, reason: str) -> None:
        self._queue(EndLog(log_path, reason))

    def flush(self) -> None:
        self._acknowledge()
        self._drain()

    def stop(self) -> None:
        self._drop()
        self._host = None

    # -- the connection ------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._host is None:
            return
        try:
            self._socket = connect(self._path)
        except (OSError, TradewindError):
            self._connect_later()
            return
        self._frames = Frames()
        self._host.watch(self._socket, self._read)
        self._queue(Hello("scheduler"))
        self._drain()

    def _connect_later(self) -> None:
        if self._host is not None:
            self._host.later(self._pause, self._connect)
            self._pause = min(2 * self._pause, RETRY_LAST)  # until an agent has welcomed us

    def _read(self) -> None:
        while self._socket is not None:
            try:
                data = self._socket.recv(READ_SIZE)
                if not data:
                    raise ConnectionResetError("closed by the agent")
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
                log.warning("The agent sent a %s; passed over", type(message).__name__)

    def _welcome(self, welcome: Welcome) -> None:
        if welcome.protocol != PROTOCOL:
            log.error(
                "The agent (process %d) speaks protocol %d, not %d: it is of another version. End it, and `tradewind up` "
                "starts one of this version.",
                welcome.pid,
                welcome.protocol,
                PROTOCOL,
            )
            return
        assert self._host is not None
        self._agent = welcome
        self._pause = RETRY_FIRST
        self._host.session_started(
            welcome.session, welcome.held, host=welcome.host, pid=welcome.pid, capacity=welcome.capacity
        )

    def _report(self, report: Report) -> None:
        assert self._host is not None
        if self._agent is None:
            return
        session = self._agent.session
        self._committed.setdefault(report.n, False)

        def acknowledge() -> None:
            if report.n in self._committed and self._agent is not None and self._agent.session == session:
                self._committed[report.n] = True

        try:
            fact = fact_of(report)
        except (TradewindError, ValueError, KeyError) as error:
            log.error("A report of the agent cannot be read (%s); passed over", error)
            acknowledge()
            return
        self._host.report(fact, session, acknowledge)

    def _answer(self, ask: Ask) -> None:
        assert self._host is not None
        try:
            value = self._host.answer(ask.attempt_id, ask.operation, ask.arguments)
            self._queue(Reply(ask.id, value, None, ask.attempt_id))
        except TradewindError as error:
            self._queue(Reply(ask.id, None, str(error), ask.attempt_id))
        except Exception as error:
            # Arguments come from user code, and an attempt without an answer would wait for ever.
            log.exception("A question of attempt %s has no answer: %s", ask.attempt_id, ask.operation)
            reason = f"{ask.operation!r} cannot be answered: {type(error).__name__}: {error}"
            self._queue(Reply(ask.id, None, reason, ask.attempt_id))
        self._drain()

    # -- sending -------------------------------------------------------------------------------------------------

    def _acknowledge(self) -> None:
        """Acknowledge up to the first report that is not committed: an acknowledgement covers all before it."""
        last = 0
        while self._committed and self._committed[number := next(iter(self._committed))]:
            del self._committed[number]
            last = number
        if last:
            self._queue(Ack(last))

    def _send_files(self, host: ExecutorHost, version_id: str) -> None:
        if version_id not in self._sent:
            self._queue(Bundle(host.bundle(version_id)))
            self._sent.add(version_id)

    def _queue(self, message: Message) -> None:
        if self._socket is not None:
            self._out += frame(message)

    def _drain(self) -> None:
        """Send what the agent takes now; the rest a little later."""
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

        if not self._draining and self._host is not None:
            self._draining = True
            self._host.later(DRAIN_EVERY, drain)

    def _lost(self, reason: str) -> None:
        """The connection is gone. Whether the agent is, shows when there is one again."""
        log.info("The connection to the agent is gone (%s)", reason)
        self._drop()
        self._connect_later()

    def _drop(self) -> None:
        if self._socket is not None:
            if self._host is not None:
                self._host.unwatch(self._socket)
            self._socket.close()
        self._socket = self._agent = None
        self._sent.clear()
        self._out.clear()
        self._committed.clear()
