"""The process of an attempt, from its birth to its end: waits for an order, runs it, says how it ended."""

from __future__ import annotations

import atexit
import importlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn, cast

import msgspec

from tradewind.agent.clock import SystemClock
from tradewind.agent.family import LEFT_NOTHING, become_subreaper, is_alone
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.logs import ending, line, open_log
from tradewind.agent.protocol import (
    Ask,
    Done,
    Frames,
    Launch,
    Message,
    Pushed,
    Reply,
    Started,
    frame,
    outcome_fields,
    send,
)
from tradewind.agent.unpack import check_inside
from tradewind.errors import TradewindError
from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Succeeded
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType
from tradewind.ports.clock import Clock
from tradewind.ports.runner import Runner

GO_AHEAD = 0  #: id of the reply that lets an at-most-once task begin: "started" is committed

EXIT_OURS = 70  #: exit code where Tradewind itself failed in the attempt's process


class Terminated(BaseException):
    """Raised in the attempt's main thread when it is asked to end (SIGTERM)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt's process knows besides its order.

    :param note: first line of the log, where there is something to say.
    """

    log_folder: str
    max_log_bytes: int
    note: str | None = None


class SocketChannel:
    """A :class:`tradewind.ports.runner.Channel` over the socket to the agent; threads of the process may share it.

    :param patience: seconds to wait for an answer; ``None``: as long as it takes.
    """

    def __init__(self, sock: socket.socket, patience: float | None = None) -> None:
        self._socket = sock
        self._patience = patience
        self._frames = Frames()
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._asked = GO_AHEAD
        self._pid = os.getpid()

    def push(self, xcom: XCom) -> None:
        self.send(Pushed(xcom))

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        if os.getpid() != self._pid:
            raise TradewindError(
                f"{operation!r} was asked for in a process that the task started by itself. "
                f"Ask in the task's own process, and hand the value over."
            )
        with self._asking:
            self._asked += 1
            self.send(Ask(self._asked, operation, arguments))
            try:
                reply = self.wait_for_reply(self._asked)
            except TimeoutError:
                raise TradewindError(
                    f"no answer to {operation!r} within {self._patience:g} s: is a scheduler running?"
                ) from None
        if reply.error is not None:
            raise TradewindError(reply.error)
        return reply.value

    def wait_for_reply(self, number: int) -> Reply:
        """The answer with this number.

        :raises TimeoutError: where it does not come in time.
        """
        give_up = time.monotonic() + self._patience if self._patience is not None else None
        while True:
            if give_up is not None:
                self._socket.settimeout(max(0.001, give_up - time.monotonic()))
            for message in self._read():
                if isinstance(message, Reply) and message.id == number:
                    return message

    def wait_for_order(self) -> Order | None:
        """The order; ``None`` where the agent has no use for this process any more."""
        while True:
            try:
                messages = self._read()
            except TradewindError:
                return None
            for message in messages:
                if isinstance(message, Launch):
                    return message.order

    def has_message(self) -> bool:
        """Whether something has come already."""
        return bool(select.select((self._socket,), (), (), 0)[0])

    def send(self, message: Message) -> None:
        with self._sending:
            send(self._socket, message)

    def _read(self) -> list[Message]:
        try:
            data = self._socket.recv(256 * 1024)
        except ConnectionError:
            data = b""
        if not data:
            raise TradewindError("The agent is gone: nobody answers this attempt any more.")
        return self._frames.feed(data)


def make_runner(spec: str, options: dict[str, Any]) -> Runner:
    """The runner that ``"module:attr"`` makes of its options."""
    module, _, attribute = spec.partition(":")
    return cast(Runner, getattr(importlib.import_module(module), attribute)(options))


def settle(lifeline: Lifeline, handled: Sequence[int] | None = None) -> None:
    """Make the process one of its own: session, signals, what it does with orphans, what it dies with.

    :param handled: :func:`handled_signals`, where the process was forked from one that knows.
    """
    os.setsid()
    reset_signals(handled)
    become_subreaper()
    lifeline.arm(os.getpid())
    # Exit functions so far are the template's; what the attempt registers from now on is run at its end.
    atexit._clear()
    reseed()


def handled_signals() -> list[int]:
    """Signals that have a handler in Python; looking at all of them costs a fork more than being told."""
    settable = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    return [int(number) for number in settable if callable(signal.getsignal(number))]


def reset_signals(handled: Sequence[int] | None = None) -> None:
    for number in handled_signals() if handled is None else handled:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def reseed() -> None:
    """Let no two attempts draw the same numbers; ``random`` sees to that by itself after a fork."""
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()


def work(sock: socket.socket, runner: Runner, settings: Settings) -> NoReturn:
    """Wait for an order, carry it out, and end the process."""
    code = EXIT_OURS
    try:
        channel = SocketChannel(sock)
        if not channel.has_message():  # an order that waits already gains nothing
            rehearse(runner)
        order = channel.wait_for_order()
        if order is None:
            os._exit(0)
        attempt = _Attempt(channel, runner, settings, SystemClock())
        attempt.carry_out(order)
        _run_exit_functions()
        _flush()
        code = LEFT_NOTHING if attempt.log_is_complete() and is_alone() else 0
    except BaseException:
        # Nothing is above this frame: whatever comes here is told in the log, and by the exit code.
        traceback.print_exc()
    _flush()
    os._exit(code)


def rehearse(runner: Runner) -> None:
    """Do what an attempt does once, with nothing at stake.

    A fork shares its memory with its template until it touches it. Each page that is touched, if only for a reference
    count, is then copied, which takes longer than the work itself: so that is done while the process waits.
    """
    now = SystemClock().now()
    run = RunInfo(
        dag_id="", run_id="", run_type=RunType.MANUAL, logical_date=now, data_interval=None, run_after=now
    )
    order = Order(attempt_id="", version_id="", run=run, task_id="", log_path="")
    frames = Frames()
    frames.feed(frame(Launch(order)))
    _set_context(order)
    check_inside("dag/run/attempt.log")
    runner.rehearse()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    line(now, ending(Succeeded()))
    frame(Started(now, os.getpid()))
    frame(Done(*outcome_fields(Succeeded()), now, now, ()))
    _flush()


class _Attempt:
    def __init__(self, channel: SocketChannel, runner: Runner, settings: Settings, clock: Clock) -> None:
        self._channel = channel
        self._runner = runner
        self._settings = settings
        self._clock = clock
        self._running = False
        self._end_of_log = -1

    def carry_out(self, order: Order) -> None:
        self._redirect(order)
        _set_context(order)
        started_at = self._clock.now()
        self._channel.send(Started(started_at, os.getpid()))
        if order.at_most_once:
            self._channel.wait_for_reply(GO_AHEAD)
        if self._settings.note:
            os.write(1, line(started_at, self._settings.note))
        outcome, xcoms = self._run(order)
        ended_at = self._clock.now()
        _flush()
        try:
            os.write(1, line(ended_at, ending(outcome)))
            self._end_of_log = os.lseek(1, 0, os.SEEK_CUR)
        except OSError:
            pass  # the log is lost; the agent says so
        kind, fields = outcome_fields(outcome)
        self._channel.send(Done(kind, fields, started_at, ended_at, xcoms))

    def log_is_complete(self) -> bool:
        """Whether the log is on disk, within its limit, and its last line is still the last."""
        return 0 < os.fstat(1).st_size == self._end_of_log <= self._settings.max_log_bytes

    def _redirect(self, order: Order) -> None:
        try:
            descriptor = open_log(self._settings.log_folder, order.log_path)
        except (OSError, TradewindError):
            # The task matters more than its log; the agent finds out by itself and says so.
            descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)

    def _run(self, order: Order) -> tuple[Outcome, tuple[XCom, ...]]:
        signal.signal(signal.SIGTERM, self._terminate)
        self._running = True
        try:
            return self._runner.run(order, self._channel)
        except Terminated as terminated:
            return Failed(str(terminated)), ()
        finally:
            self._running = False
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; SIGKILL follows after the grace time
        if self._running:
            try:
                self._runner.on_kill()
            finally:
                raise Terminated("ended by SIGTERM")


def _set_context(order: Order) -> None:
    os.environ.update(
        TRADEWIND_CTX_DAG_ID=order.run.dag_id,
        TRADEWIND_CTX_RUN_ID=order.run.run_id,
        TRADEWIND_CTX_TASK_ID=order.task_id,
        TRADEWIND_CTX_TRY_NUMBER=str(order.try_number),
        TRADEWIND_CTX_ATTEMPT_ID=order.attempt_id,
    )


def _run_exit_functions() -> None:
    atexit._run_exitfuncs()
    if multiprocessing := sys.modules.get("multiprocessing.util"):
        multiprocessing._exit_function()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # closed by the task, or a log that cannot be written to
