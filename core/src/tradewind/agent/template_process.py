"""The processes that attempts are forked from: one base for all, and a template for each DAG version in use.

::

    agent ── base (runner imported, no DAG file) ── template (DAG file imported) ── attempt, attempt ...

Both serve packets on a socket to the agent, and end with everything below them when its other end is closed.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn

import msgspec

from tradewind.agent.attempt_process import (
    Settings,
    SocketChannel,
    handled_signals,
    make_runner,
    rehearse,
    reset_signals,
    settle,
    work,
)
from tradewind.agent.family import Family, become_subreaper, children_of
from tradewind.agent.forkability import open_descriptors, why_not_forkable
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.logs import set_up_output
from tradewind.agent.loop import Loop
from tradewind.agent.options import AgentOptions
from tradewind.agent.wire import receive_packet, send_packet
from tradewind.ports.runner import Channel, Runner

_REHEARSALS = 20  #: enough for the interpreter to settle on its specialised code, before attempts share it
_LAST_PATIENCE = 5.0  #: seconds that a process waits for those below it after it killed them


class Load(msgspec.Struct, tag=True, array_like=True):
    """To the base: fork a template that imports a DAG file.

    Carries the template's socket, the one for its questions, and a file for its output.
    """

    key: int
    dag_id: str
    folder: str
    file: str
    original_folder: str
    check: bool  #: whether to judge if the process may be forked after the import


class End(msgspec.Struct, tag=True, array_like=True):
    """To a template: no more attempts are needed. Those at work go on as the agent's own children."""


class Fork(msgspec.Struct, tag=True, array_like=True):
    """To a template: fork processes that wait for orders."""

    count: int


class Preloaded(msgspec.Struct, tag=True, array_like=True):
    """From the base: the runner is imported, or what went wrong."""

    error: str | None = None


class Loaded(msgspec.Struct, tag=True, array_like=True):
    """From a template or spare: the DAG file is imported, or what went wrong, or why the process may not be forked."""

    pid: int
    error: str | None = None
    unforkable: str | None = None


class Born(msgspec.Struct, tag=True, array_like=True):
    """From the base: the template asked for by ``key`` exists. From a template: an attempt's process waits.

    The latter carries the process's socket.
    """

    pid: int
    key: int = 0


class Exited(msgspec.Struct, tag=True, array_like=True):
    """A process that was forked here is gone; ``status`` as ``waitpid`` tells it."""

    pid: int
    status: int


class NotForked(msgspec.Struct, tag=True, array_like=True):
    """The system refused a fork."""

    reason: str
    key: int = 0


ToParent = Load | Fork | End
FromParent = Preloaded | Loaded | Born | Exited | NotForked

to_parent: msgspec.msgpack.Decoder[ToParent] = msgspec.msgpack.Decoder(ToParent)
from_parent: msgspec.msgpack.Decoder[FromParent] = msgspec.msgpack.Decoder(FromParent)


class _Parent:
    """What base and template have in common: a loop, the socket to the agent, and children."""

    def __init__(
        self, sock: socket.socket, options: AgentOptions, runner: Runner, lifeline: Lifeline
    ) -> None:
        self.loop = Loop()
        self.socket = sock
        self.options = options
        self.runner = runner
        self.lifeline = lifeline
        self.family = Family(self.loop, options.kill_grace)
        sock.setblocking(True)
        self.loop.watch(sock, self._read)

    def tell(self, message: FromParent, descriptors: tuple[int, ...] = ()) -> None:
        try:
            send_packet(self.socket, message, descriptors)
        except OSError:
            self.end()

    def fork(self, in_child: Callable[[], None], key: int = 0) -> int | None:
        """Fork; ``in_child`` never returns. The child's pid, or ``None`` where the system refuses."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # threads: judged before, or asked for
                pid = os.fork()
        except OSError as error:
            self.tell(NotForked(f"the system refused to start a process: {error.strerror}", key))
            return None
        if pid == 0:
            try:
                self.loop.close()
                self.socket.close()
                in_child()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        self.family.know(pid, lambda status: self.tell(Exited(pid, status)))
        return pid

    def on_packet(self, message: ToParent, descriptors: list[int]) -> None:
        raise NotImplementedError

    def end(self) -> NoReturn:
        """Kill whatever is below, and end: the agent is gone, or wants this process gone."""
        deadline = time.monotonic() + _LAST_PATIENCE
        while self.family.kill_everything() and time.monotonic() < deadline:
            _reap_all()
            if children_of(os.getpid()):
                time.sleep(0.005)
        os._exit(0)

    def _read(self) -> None:
        packet = receive_packet(self.socket)
        if packet is None:
            self.end()
        self.on_packet(to_parent.decode(packet[0]), packet[1])


class _Base(_Parent):
    def on_packet(self, message: ToParent, descriptors: list[int]) -> None:
        assert isinstance(message, Load)
        sock, questions, output = descriptors
        pid = self.fork(lambda: template_main(message, sock, questions, output, self), message.key)
        for descriptor in descriptors:
            os.close(descriptor)
        if pid is not None:
            self.tell(Born(pid, message.key))


class _Template(_Parent):
    def __init__(
        self, sock: socket.socket, options: AgentOptions, runner: Runner, lifeline: Lifeline
    ) -> None:
        super().__init__(sock, options, runner, lifeline)
        self._handled = handled_signals()

    def on_packet(self, message: ToParent, descriptors: list[int]) -> None:
        if isinstance(message, End):
            os._exit(0)
        assert isinstance(message, Fork)
        for _ in range(message.count):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                pid = self.fork(lambda ours=ours, theirs=theirs: self._become_attempt(ours, theirs))  # type: ignore[misc]
                if pid is not None:
                    self.tell(Born(pid), (ours.fileno(),))

    def _become_attempt(self, agents: socket.socket, own: socket.socket) -> NoReturn:
        # Descriptors of ours are closed one by one, not all that are open: what the DAG file opened at import belongs to
        # its own objects, which would later close somebody else's file under the same number.
        agents.close()
        settle(self.lifeline, self._handled)
        work(
            own,
            self.runner,
            Settings(log_folder=self.options.log_folder, max_log_bytes=self.options.max_log_bytes),
        )


def base_main(sock: socket.socket, options: AgentOptions, lifeline: Lifeline) -> NoReturn:
    """The base's whole life, in a process forked from the agent."""
    reset_signals()
    os.setsid()
    # The agent's listener, its lines and its other templates: none of them may stay open here once the agent is gone. The
    # objects that own them stay alive in the frames above, which never go on.
    _close_all_but(0, 1, 2, sock.fileno(), lifeline.reader)
    armed = lifeline.arm(os.getpid())
    redirect(os.open(os.devnull, os.O_RDWR), 0)
    set_up_output()
    try:
        runner = make_runner(options.runner, options.runner_options)
        runner.preload()
        for _ in range(_REHEARSALS):
            rehearse(runner)
    except BaseException as error:
        traceback.print_exc()
        send_packet(sock, Preloaded(f"the runner {options.runner!r} cannot be imported: {_one_line(error)}"))
        os._exit(1)
    gc.collect()
    gc.freeze()
    lifeline.disarm(armed)
    base = _Base(sock, options, runner, lifeline)
    base.tell(Preloaded())
    base.loop.run()
    os._exit(0)


def template_main(load: Load, descriptor: int, questions: int, output: int, base: _Base) -> NoReturn:
    """A template's whole life, in a process forked from the base."""
    sock = socket.socket(fileno=descriptor)
    asking = socket.socket(fileno=questions)
    # A session of its own: while the file is imported, the lifeline ends the group and all that the import started.
    os.setsid()
    armed = base.lifeline.arm(os.getpid())
    reset_signals()
    become_subreaper()
    redirect(output, 1, 2)
    loaded = load_dag(base.runner, load, SocketChannel(asking, base.options.ask_timeout))
    asking.close()
    gc.collect()
    gc.freeze()
    base.lifeline.disarm(armed)
    redirect(os.open(os.devnull, os.O_RDWR), 1, 2)
    template = _Template(sock, base.options, base.runner, base.lifeline)
    template.tell(loaded)
    if loaded.error or loaded.unforkable:
        template.end()
    template.loop.run()
    os._exit(0)


def load_dag(runner: Runner, load: Load, channel: Channel) -> Loaded:
    """Import the DAG file; its traceback goes to standard error."""
    before = open_descriptors() if load.check else {}
    try:
        runner.load(load.dag_id, load.folder, load.file, load.original_folder, channel)
    except BaseException as error:
        traceback.print_exc()
        return Loaded(os.getpid(), error=_one_line(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return Loaded(os.getpid(), unforkable=why_not_forkable(before) if load.check else None)


def redirect(descriptor: int, *targets: int) -> None:
    """Let ``targets`` be what ``descriptor`` is."""
    for target in targets:
        os.dup2(descriptor, target)
    os.close(descriptor)


def _close_all_but(*descriptors: int) -> None:
    last = -1
    for descriptor in sorted(descriptors):
        if last + 1 < descriptor:  # closerange(0, 0) would close everything
            os.closerange(last + 1, descriptor)
        last = descriptor
    os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text}"[:2000]


def _reap_all() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
