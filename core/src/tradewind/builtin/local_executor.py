"""The local executor: hands orders to this machine's agent over a Unix socket, and takes its reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from tradewind.agent.caller import Caller
from tradewind.agent.protocol import Ask, Bundle, Cancel, EndLog, Launch, Prepare, Welcome
from tradewind.model.facts import Fact
from tradewind.model.order import Order
from tradewind.ports.executor import Executor, ExecutorHost


class LocalExecutor(Executor):
    """A process for each attempt, on this machine.

    :param socket_path: where the agent listens.
    """

    name: ClassVar[str] = "local"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(self, socket_path: str) -> None:
        self._host: ExecutorHost | None = None
        self._line = Caller(socket_path, "agent", self)
        self._sent: set[str] = set()  # versions whose files went over this connection

    @property
    def capacity(self) -> int:
        return self._line.peer.capacity if self._line.peer is not None else 0

    @property
    def session(self) -> str | None:
        return self._line.peer.session if self._line.peer is not None else None

    def start(self, host: ExecutorHost) -> None:
        self._host = host
        self._line.start(host)

    def submit(self, order: Order) -> None:
        if self._line.peer is None or self._host is None:
            return  # its agent is gone: the order is handed over again, or lost, when there is one
        self._send_files(self._host, order.version_id)
        self._line.queue(Launch(order))

    def cancel(self, attempt_id: str, reason: str) -> None:
        self._line.queue(Cancel(attempt_id, reason))

    def prepare(self, version_id: str, attempts: int) -> None:
        if self._line.peer is not None and self._host is not None:
            self._send_files(self._host, version_id)
            self._line.queue(Prepare(version_id, attempts))

    def end_log(self, log_path: str, reason: str) -> None:
        self._line.queue(EndLog(log_path, reason))

    def flush(self) -> None:
        self._line.flush()

    def stop(self) -> None:
        self._line.stop()
        self._sent.clear()
        self._host = None

    def _send_files(self, host: ExecutorHost, version_id: str) -> None:
        if version_id not in self._sent:
            self._line.queue(Bundle(host.bundle(version_id)))
            self._sent.add(version_id)

    # -- what the line tells -------------------------------------------------------------------------------------

    def welcomed(self, welcome: Welcome) -> None:
        """An agent is there."""
        assert self._host is not None
        self._host.session_started(
            welcome.session, welcome.held, host=welcome.host, pid=welcome.pid, capacity=welcome.capacity
        )

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None]) -> None:
        """The agent reports."""
        assert self._host is not None
        self._host.report(fact, session, acknowledge)

    def answer(self, ask: Ask) -> object:
        """An attempt asks."""
        assert self._host is not None
        return self._host.answer(ask.attempt_id, ask.operation, ask.arguments)

    def lost(self) -> None:
        """What went over the old connection may not have arrived."""
        self._sent.clear()

    def unreachable(self) -> None:
        """An agent is started by whoever watches over it."""
