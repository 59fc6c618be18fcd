"""Templates, as the agent sees them: the base that they are forked from, and one supply of workers for each version."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from tradewind.agent.deaths import describe
from tradewind.agent.family import Family, signal_all
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.loop import Loop, Timer
from tradewind.agent.options import AgentOptions
from tradewind.agent.questions import ImportQuestions
from tradewind.agent.template_process import (
    Born,
    End,
    Exited,
    Fork,
    FromParent,
    Load,
    Loaded,
    NotForked,
    Preloaded,
    base_main,
    from_parent,
)
from tradewind.agent.wire import receive_packet, send_packet
from tradewind.agent.workers import Customer

log = logging.getLogger(__name__)

_OUTPUT_KEPT = 64 * 1024  #: bytes of what a failed import printed that go into logs
_STATUS_PATIENCE = 1.0
_FORK_PATIENCE = 1.0  #: seconds before a refused fork is tried again
_FORK_TRIES = 5


class PacketLine:
    """The agent's end of the socket to a base or template."""

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        on_packet: Callable[[FromParent, list[int]], None],
        on_end: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._socket = sock
        self._on_packet = on_packet
        self._on_end = on_end
        self.open = True
        loop.watch(sock, self.read)

    def send(self, message: Load | Fork | End, descriptors: tuple[int, ...] = ()) -> None:
        try:
            send_packet(self._socket, message, descriptors)
        except OSError as error:
            # Packets are small and few: a socket that takes none leads to a process that does not answer any more.
            log.warning("A template does not take packets (%s); it is given up", error)
            self._end()

    def read(self) -> None:
        """Take all packets that are there."""
        while self.open:
            try:
                packet = receive_packet(self._socket)
            except (BlockingIOError, InterruptedError):
                return
            if packet is None:
                self._end()
                return
            self._on_packet(from_parent.decode(packet[0]), packet[1])

    def close(self) -> None:
        if self.open:
            self.open = False
            self._loop.unwatch(self._socket)
            self._socket.close()

    def _end(self) -> None:
        if self.open:
            self.close()
            self._on_end()


@dataclass(slots=True, eq=False)
class _BaseProcess:
    """One process in the succession of bases; the next may be there before the news of this one's end.

    :param asked: templates that were asked of it and are not there yet, by key.
    :param error: why it cannot be of use to anybody.
    """

    line: PacketLine | None = None
    asked: dict[int, Template] = field(default_factory=dict)
    error: str | None = None


class Base:
    """The process that templates are forked from; made anew when it is gone."""

    def __init__(self, loop: Loop, options: AgentOptions, family: Family, lifeline: Lifeline) -> None:
        self._loop = loop
        self._options = options
        self._family = family
        self._lifeline = lifeline
        self._process = _BaseProcess()
        self._templates: dict[int, Template] = {}
        self._keys = 0
        self._closed = False

    def start(self) -> None:
        """Have the process, so that it imports the runner before the first order comes."""
        if self._process.line is not None and self._process.line.open:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            self._loop.close()
            ours.close()
            self._lifeline.let_go()
            try:
                base_main(theirs, self._options, self._lifeline)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        theirs.close()
        process = _BaseProcess()
        line = PacketLine(
            self._loop, ours, lambda message, _: self._on_packet(process, message), lambda: None
        )
        process.line = line
        self._family.know(pid, lambda status: self._exited(process, line, status))
        self._process = process

    def make(self, template: Template, load: Load, descriptors: tuple[int, ...]) -> None:
        """Fork a template; it hears of its birth and of its end."""
        self.start()
        assert self._process.line is not None
        self._keys += 1
        load.key = self._keys
        self._process.asked[load.key] = template
        self._process.line.send(load, descriptors)

    def drain(self) -> None:
        if self._process.line is not None:
            self._process.line.read()

    def template(self, pid: int) -> Template | None:
        """The template with this process, which the agent adopts where the base has died."""
        return self._templates.get(pid)

    def close(self) -> None:
        self._closed = True
        if self._process.line is not None:
            self._process.line.close()

    def _on_packet(self, process: _BaseProcess, message: FromParent) -> None:
        match message:
            case Preloaded():
                process.error = message.error
            case Born():
                template = process.asked.pop(message.key)
                self._templates[message.pid] = template
                template.born(message.pid)
            case NotForked():
                process.asked.pop(message.key).give_up(message.reason)
            case Exited():
                gone = self._templates.pop(message.pid, None)
                if gone is not None:
                    gone.exited(message.status)
                self._family.end_remainders()  # what it had below it is the agent's now

    def _exited(self, process: _BaseProcess, line: PacketLine, status: int) -> None:
        line.read()
        line.close()
        if self._closed:
            return
        reason = process.error or f"the process that templates are forked from was lost: {describe(status)}"
        log.warning("%s", reason)
        for template in process.asked.values():
            if process.error:
                template.give_up(reason)
            else:
                template.lose(reason)


class Template:
    """A supply of workers that are forked from a process which has imported the DAG file."""

    def __init__(
        self,
        loop: Loop,
        options: AgentOptions,
        base: Base,
        load: Load,
        customer: Customer,
        questions: ImportQuestions,
    ) -> None:
        self._loop = loop
        self._customer = customer
        self._wanted = 0
        self._tries = 0
        self._pid = 0
        self._loaded = False
        self._over = False
        self.coming = 0
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._output: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed when the import is over
        self._line = PacketLine(loop, ours, self._on_packet, self._line_ended)
        self._limit: Timer = loop.later(
            options.import_timeout, lambda: self._took_too_long(options.import_timeout)
        )
        self._questions = questions.line()
        base.make(self, load, (theirs.fileno(), self._questions.theirs.fileno(), self._output.fileno()))
        theirs.close()
        self._questions.handed_over()

    def want(self, count: int) -> None:
        self.coming += count
        if self._loaded:
            self._line.send(Fork(count))
        else:
            self._wanted += count

    def memory(self) -> int:
        try:
            with open(f"/proc/{self._pid}/statm", encoding="ascii") as statm:
                _, resident, shared = map(int, statm.read().split()[:3])
        except (OSError, ValueError):
            return 0
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

    def drain(self) -> None:
        self._line.read()

    def close(self) -> None:
        if self._loaded:
            self._line.send(End())
        elif self._pid:
            signal_all([self._pid], signal.SIGKILL)  # an import listens to nobody
        self._over = True
        self._limit.cancel()
        self._line.close()
        self._questions.close()
        self._output.close()

    def born(self, pid: int) -> None:
        self._pid = pid
        if self._over:
            signal_all([pid], signal.SIGKILL)  # given up before it was there

    def exited(self, status: int) -> None:
        """The process is gone. Its workers go on; the agent has adopted them."""
        self._line.read()
        how = describe(status)
        if self._loaded:
            self.lose(f"the template process was lost: {how}")
        else:
            self.give_up(f"the import of its DAG file ended the process: {how}")

    def give_up(self, reason: str) -> None:
        if not self._over:
            output = self._printed()
            self.close()
            self._customer.on_failure(reason, output)

    def lose(self, reason: str) -> None:
        if not self._over:
            self.close()
            self._customer.on_lost(reason)

    def _on_packet(self, message: FromParent, descriptors: list[int]) -> None:
        match message:
            case Loaded():
                self._on_loaded(message)
            case Born():
                self.coming = max(0, self.coming - 1)
                self._tries = 0
                self._customer.on_ready(socket.socket(fileno=descriptors[0]), message.pid)
            case NotForked():
                self._not_forked(message.reason)
            case Exited():
                self._customer.on_exited(message.pid, message.status)

    def _on_loaded(self, loaded: Loaded) -> None:
        self._limit.cancel()
        if loaded.error is not None:
            self.give_up(loaded.error)
        elif loaded.unforkable is not None:
            self.close()
            self._customer.on_unforkable(loaded.unforkable)
        else:
            self._loaded = True
            self._questions.close()
            self._output.close()
            if self._wanted:
                self._line.send(Fork(self._wanted))

    def _not_forked(self, reason: str) -> None:
        self.coming = max(0, self.coming - 1)
        self._tries += 1
        if self._tries < _FORK_TRIES:
            self._loop.later(_FORK_PATIENCE, lambda: None if self._over else self.want(1))
        else:
            self.give_up(reason)

    def _line_ended(self) -> None:
        # The base says how the process ended; where the base is gone too, nobody does.
        self._loop.later(_STATUS_PATIENCE, lambda: self.lose("the template process was lost"))

    def _took_too_long(self, seconds: float) -> None:
        self.give_up(f"the import of its DAG file took longer than {seconds:g} s")

    def _printed(self) -> bytes:
        if self._output.closed:
            return b""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), _OUTPUT_KEPT, max(0, size - _OUTPUT_KEPT))
