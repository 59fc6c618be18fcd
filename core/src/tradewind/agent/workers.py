"""A process that waits for an order or carries one out, as the agent sees it."""

from __future__ import annotations

import os
import signal
import socket
from typing import Protocol

from tradewind.agent.family import signal_group
from tradewind.agent.loop import Loop
from tradewind.agent.protocol import Message
from tradewind.agent.wire import Line

_STATUS_PATIENCE = 1.0  #: seconds between the end of a process's line and the news how it ended


class WorkerOwner(Protocol):
    """Whoever has to know what becomes of a worker."""

    def on_message(self, worker: Worker, message: Message) -> None: ...

    def on_gone(self, worker: Worker) -> None:
        """The process is gone, and all that it said has been heard."""
        ...


class Worker:
    """One process of one attempt.

    :param owner: its version while it waits, then the attempt that it carries out.
    :param status: how the process ended (``waitpid``), once that is known; ``None`` as well where nobody could say.
    """

    def __init__(self, loop: Loop, sock: socket.socket, pid: int, owner: WorkerOwner) -> None:
        self._loop = loop
        self.owner = owner
        self._line = Line(
            loop, sock, lambda message: self.owner.on_message(self, message), lambda _: self._line_ended()
        )
        self.pid = pid
        self.status: int | None = None
        self.gone = False

    def send(self, message: Message) -> None:
        self._line.send(message)

    def dismiss(self) -> None:
        """A process that waits for an order ends by itself when its line ends."""
        self._line.close()

    def signal(self, signum: int) -> None:
        """Signal the process and its group, unless they are gone."""
        if not self.gone and not signal_group(self.pid, signum):
            try:
                os.kill(self.pid, signum)  # it has left its group, or has not made it yet
            except OSError:
                pass

    def exited(self, status: int | None) -> None:
        """The process has ended; what it said before is read first."""
        if self.gone:
            return
        self._line.read()
        self._line.close()
        self.status = status
        self.gone = True
        self.owner.on_gone(self)

    def _line_ended(self) -> None:
        self._loop.later(_STATUS_PATIENCE, self._look_after)

    def _look_after(self) -> None:
        """The line has ended and no status came: the news is lost, or the task closed our descriptor."""
        if self.gone:
            return
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            self.exited(None)
        else:
            # It cannot report any more, so whatever it still does is for nothing.
            self.signal(signal.SIGKILL)
            self._loop.later(_STATUS_PATIENCE, self._look_after)


class Supply(Protocol):
    """Where a version's workers come from."""

    @property
    def coming(self) -> int:
        """Workers that were asked for and are not there yet."""
        ...

    def want(self, count: int) -> None:
        """Have ``count`` more workers made."""
        ...

    def memory(self) -> int:
        """Bytes that are given back when the supply is closed."""
        ...

    def drain(self) -> None:
        """Take all news that is there already."""
        ...

    def close(self) -> None:
        """No more workers are needed. Those at work are not touched."""
        ...


class Customer(Protocol):
    """What a supply tells."""

    def on_ready(self, sock: socket.socket, pid: int) -> None:
        """A worker waits."""
        ...

    def on_failure(self, reason: str, output: bytes) -> None:
        """No workers can be made; ``output`` is what the import printed."""
        ...

    def on_lost(self, reason: str) -> None:
        """The supply has ended, through no fault of the DAG file; another one may do better."""
        ...

    def on_unforkable(self, reason: str) -> None:
        """The DAG file is imported, but its process may not be forked."""
        ...

    def on_exited(self, pid: int, status: int) -> None:
        """A worker is gone."""
        ...
