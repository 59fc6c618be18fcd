"""An import server as its owner sees it: started, asked for one file after another, its questions answered."""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tradewind.errors import ImportTimeError, TradewindError
from tradewind.importing import server, wire
from tradewind.importing.results import ImportFailure, ImportOptions, ImportResult

Answer = Callable[[str, dict[str, Any]], Any]
"""Answers ``variable.get`` and ``connection.get`` of DAG files; raises TradewindError where there is no answer."""

TRIES = 3  #: imports of a file during which its server was ended, until the file takes the blame
_MARGIN_MB = 2


class ImportServer:
    """A process that imports files, one at a time.

    :param answer: see :data:`Answer`.
    :param lean: start it as a program of its own and not as a fork of this process, which must have no threads then. That
        takes longer once, and less for each file: forking costs by the size of what is forked.
    """

    def __init__(self, options: ImportOptions, answer: Answer, *, lean: bool = False) -> None:
        self._options = options
        self._lean = lean and bool(sys.executable)
        self._answer = answer
        self._pid = 0
        self._line: socket.socket | None = None
        self._inbox = wire.Inbox(0)
        self.file: str | None = None  #: what is being imported

    def fileno(self) -> int:
        """For the selector; the server is started where it is not there."""
        self._start()
        assert self._line is not None
        return self._line.fileno()

    def begin(self, file: str) -> None:
        """Ask for a file; :meth:`read` gives the result when it is there."""
        try:
            self._send(wire.Import(file))
        except OSError:  # it was ended while it had nothing to do
            self.close()
            self._send(wire.Import(file))
        self.file = file

    def read(self) -> ImportResult | None:
        """Take what the server says; the result, once it is there. Call it when the server can be read."""
        assert self._line is not None
        try:
            data = self._line.recv(1 << 20)
            messages = self._inbox.feed(data)
        except (OSError, ImportTimeError):
            data, messages = b"", []
        if not data:
            return self._broken()
        for message in messages:
            if isinstance(message, wire.Question):
                with suppress(OSError):  # a server that is gone says so when it is read next
                    self._send(self._reply(message))
            elif isinstance(message, wire.Finished):
                self.file = None
                return message.result
        return None

    def import_file(self, file: str) -> ImportResult:
        """Import a file and wait for the result; again where the server is ended meanwhile."""
        for _ in range(TRIES):
            result = self._import_once(file)
            if result.failure is None or result.failure.limit != "server":
                break
        return result

    def _import_once(self, file: str) -> ImportResult:
        self.begin(file)
        while True:
            select.select([self], [], [])
            result = self.read()
            if result is not None:
                return result

    def close(self) -> None:
        """End the server, and with it whatever it is importing."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._pid:
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0
        self.file = None

    def _send(self, message: wire.Message) -> None:
        self._start()
        assert self._line is not None
        self._line.sendall(wire.encode(message))

    def _reply(self, question: wire.Question) -> wire.Answer:
        try:
            return wire.Answer(question.id, self._answer(question.operation, question.arguments))
        except TradewindError as error:
            return wire.Answer(question.id, None, str(error))

    def _broken(self) -> ImportResult:
        """The server itself is gone; the next file gets a new one."""
        file = self.file or ""
        self.close()
        message = (
            "The process that watches over imports was ended while it imported this file. Save the file again to have it "
            "imported again; if that does not help, see whether the file ends other processes."
        )
        return ImportResult(file=file, failure=ImportFailure(message=message, file=file, limit="server"))

    def _start(self) -> None:
        if self._line is not None:
            return
        ours, theirs = socket.socketpair()
        self._pid = _spawn(theirs) if self._lean else _fork(theirs)
        theirs.close()
        self._line = ours
        self._inbox = wire.Inbox((self._options.limits.max_result_mb + _MARGIN_MB) << 20)
        ours.sendall(wire.encode(wire.Setup(self._options)))


def _fork(line: socket.socket) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        server.run(line)
    return pid


def _spawn(line: socket.socket) -> int:
    line.set_inheritable(True)
    program = f"from tradewind.importing.server import main; main({line.fileno()})"
    # -P: the folder in which this process was started holds no modules of ours.
    return os.posix_spawn(sys.executable, [sys.executable, "-P", "-c", program], os.environ)
