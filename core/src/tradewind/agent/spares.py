"""Spares, as the agent sees them: a supply of workers that are interpreters of their own, for where a fork is not safe."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import partial
from typing import IO

import msgspec

from tradewind.agent.attempt_process import Settings
from tradewind.agent.deaths import describe
from tradewind.agent.family import Family
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.loop import Loop
from tradewind.agent.options import AgentOptions
from tradewind.agent.questions import ImportLine, ImportQuestions
from tradewind.agent.spare import SpareOrder
from tradewind.agent.template_process import Load, Loaded
from tradewind.agent.workers import Customer

log = logging.getLogger(__name__)

_OUTPUT_KEPT = 64 * 1024
_loaded_decoder = msgspec.msgpack.Decoder(Loaded)


class Spares:
    """Starts an interpreter for each worker that is wanted."""

    def __init__(
        self,
        loop: Loop,
        options: AgentOptions,
        family: Family,
        lifeline: Lifeline,
        load: Load,
        customer: Customer,
        questions: ImportQuestions,
        reason: str,
    ) -> None:
        self._loop = loop
        self._options = options
        self._family = family
        self._lifeline = lifeline
        self._load = load
        self._customer = customer
        self._questions = questions
        self._settings = Settings(
            log_folder=options.log_folder,
            max_log_bytes=options.max_log_bytes,
            note=f"Runs in an interpreter of its own, not in a fork: {reason}",
        )
        self._coming: set[_Spare] = set()
        self._over = False

    @property
    def coming(self) -> int:
        return len(self._coming)

    def want(self, count: int) -> None:
        for _ in range(count):
            try:
                self._coming.add(self._start())
            except OSError as error:
                reason = f"the system refused to start a process: {error}"
                self._loop.soon(partial(self._customer.on_failure, reason, b""))
                return

    def memory(self) -> int:
        return 0  # spares that wait are dismissed one by one

    def drain(self) -> None:
        pass  # the agent is their parent, and knows them from the start

    def close(self) -> None:
        self._over = True
        for spare in list(self._coming):
            spare.give_up(None)

    def ready(self, spare: _Spare) -> None:
        self._coming.discard(spare)
        self._customer.on_ready(spare.socket, spare.pid)

    def failed(self, spare: _Spare, reason: str | None, output: bytes) -> None:
        self._coming.discard(spare)
        if reason is not None and not self._over:
            self._customer.on_failure(reason, output)

    def exited(self, pid: int, status: int) -> None:
        self._customer.on_exited(pid, status)

    def _start(self) -> _Spare:
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        output = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed when the import is over
        questions = self._questions.line()
        descriptors = (theirs.fileno(), questions.theirs.fileno(), writer, self._lifeline.reader)
        order = SpareOrder(
            channel=theirs.fileno(),
            questions=questions.theirs.fileno(),
            ask_timeout=self._options.ask_timeout,
            status=writer,
            lifeline=self._lifeline.reader,
            load=self._load,
            runner=self._options.runner,
            runner_options=self._options.runner_options,
            settings=self._settings,
        )
        command = [sys.executable, "-m", "tradewind.agent.spare", msgspec.json.encode(order).decode()]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=descriptors
            )
        except OSError:
            for end in (ours, questions, output):
                end.close()
            os.close(reader)
            raise
        finally:
            theirs.close()
            os.close(writer)
        questions.handed_over()
        process.returncode = 0  # the family reaps; this only keeps the object from doing so, or warning
        spare = _Spare(
            self, self._loop, self._options.import_timeout, process.pid, ours, questions, reader, output
        )
        self._family.know(process.pid, spare.exited)
        return spare


class _Spare:
    """An interpreter that is on its way."""

    def __init__(
        self,
        spares: Spares,
        loop: Loop,
        patience: float,
        pid: int,
        sock: socket.socket,
        questions: ImportLine,
        status: int,
        output: IO[bytes],
    ) -> None:
        self._spares = spares
        self._loop = loop
        self._status = os.fdopen(status, "rb", buffering=0)
        self._output = output
        self._questions = questions
        self.pid = pid
        self.socket = sock
        loop.watch(self._status, self._read)
        self._limit = loop.later(patience, lambda: self._took_too_long(patience))

    def give_up(self, reason: str | None) -> None:
        if self._status.closed:
            return
        output = self._printed()
        self._over()
        self.socket.close()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            os.kill(self.pid, signal.SIGKILL)  # a child of ours that was not reaped: its number is its own
        self._spares.failed(self, reason, output)

    def _read(self) -> None:
        data = self._status.read(1024 * 64)
        if not data:
            self._loop.unwatch(self._status)  # the process is ending; how, its status says
            return
        loaded = _loaded_decoder.decode(data)
        if loaded.error is not None:
            self.give_up(loaded.error)
            return
        self._over()
        self._spares.ready(self)

    def exited(self, status: int) -> None:
        if self._status.closed:
            self._spares.exited(self.pid, status)
        else:
            output = self._printed()
            self._over()
            self.socket.close()
            self._spares.failed(
                self, f"the import of its DAG file ended the process: {describe(status)}", output
            )

    def _took_too_long(self, seconds: float) -> None:
        self.give_up(f"the import of its DAG file took longer than {seconds:g} s")

    def _over(self) -> None:
        self._limit.cancel()
        self._loop.unwatch(self._status)
        self._status.close()
        self._questions.close()
        self._output.close()

    def _printed(self) -> bytes:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), _OUTPUT_KEPT, max(0, size - _OUTPUT_KEPT))
