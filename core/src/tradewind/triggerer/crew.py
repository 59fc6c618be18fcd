"""One worker process, as its triggerer sees it."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from tradewind.agent.loop import Loop
from tradewind.agent.protocol import Message, Report, Unwatch, Watch, fact_of
from tradewind.agent.questions import ImportLine, ImportQuestions
from tradewind.agent.wire import Line
from tradewind.model.facts import Fact, WaitEnded
from tradewind.triggerer.board import Board
from tradewind.triggerer.options import TriggererOptions

_PR_SET_PDEATHSIG = 1


class Crew:
    """A worker, and the waits whose triggers it runs. It is forked when the first of them comes.

    :param key: what its triggerer knows it by.
    :param folder: the unpacked DAG version whose modules its triggers come from; empty: installed packages alone.
    :param on_fact: told what became of a wait.
    :param on_death: told that the process is gone: how it ended, and whose trigger had the loop.
    """

    def __init__(
        self,
        loop: Loop,
        options: TriggererOptions,
        questions: ImportQuestions,
        key: str,
        folder: str,
        files: Sequence[str],
        on_fact: Callable[[Fact], None],
        on_death: Callable[[Crew, str, str], None],
    ) -> None:
        self.waits: dict[str, Watch] = {}
        self.pid = 0
        self.key = key
        self.folder = folder
        self.empty_since = time.monotonic()
        self._loop = loop
        self._options = options
        self._questions = questions
        self._files = files
        self._on_fact = on_fact
        self._on_death = on_death
        self._board: Board | None = None
        self._line: Line | None = None
        self._asking: ImportLine | None = None
        self._seen = (0, 0.0)  # the step that the board showed last, and since when

    def watch(self, watch: Watch) -> None:
        """Run a trigger."""
        self.waits[watch.wait_id] = watch
        if self._line is not None:
            self._line.send(watch)
        elif not self.pid:
            self.start()

    def unwatch(self, message: Unwatch) -> None:
        """Run it no longer."""
        if self.waits.pop(message.wait_id, None) is not None:
            self._note_empty()
            if self._line is not None:
                self._line.send(message)

    def blocked(self) -> tuple[str, float] | None:
        """Whose trigger has kept the loop for longer than it may, and for how long."""
        if self._board is None:
            return None
        step, now = self._board.read(), time.monotonic()
        if not step.wait_id or step.number != self._seen[0]:
            self._seen = (step.number, now)
            return None
        lasted = now - self._seen[1]
        limit = self._options.import_limit if step.loading else self._options.block_limit
        return (step.wait_id, lasted) if lasted > limit else None

    def start(self) -> None:
        """Fork the worker, and hand it all that waits."""
        ours, theirs = socket.socketpair()
        questions = self._questions.line()
        self._board = Board()
        self._seen = (0, time.monotonic())
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_worker(theirs, questions.theirs, parent)
        theirs.close()
        questions.handed_over()
        self.pid = pid
        self._asking = questions
        self._line = Line(self._loop, ours, self._take, self._ended)
        self._line.send(*self.waits.values())

    def end(self, signum: int = signal.SIGTERM) -> None:
        """End the worker; what it ran is not run any more."""
        if self.pid:
            try:
                os.kill(self.pid, signum)
            except ProcessLookupError:
                pass

    def _take(self, message: Message) -> None:
        if isinstance(message, Report):
            fact = fact_of(message)
            if not isinstance(
                fact, WaitEnded
            ):  # of a watcher: it counts also where nobody wants the next one
                self._on_fact(fact)
            elif self.waits.pop(fact.attempt_id, None) is not None:
                self._note_empty()
                self._on_fact(fact)

    def _note_empty(self) -> None:
        if not self.waits:
            self.empty_since = time.monotonic()

    def _ended(self, _reason: str) -> None:
        """The line has ended, so the worker is gone, or about to be."""
        self.end(signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        how = f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.Signals(-code).name})"
        culprit = self._board.read().wait_id if self._board is not None else ""
        if self._board is not None:
            self._board.close()
        if self._asking is not None:
            self._asking.close()
        self.pid, self._line, self._board, self._asking = 0, None, None, None
        self._on_death(self, how, culprit)

    def _be_worker(self, line: socket.socket, questions: socket.socket, parent: int) -> None:
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _die_with(parent)
            _close_all_but(line.fileno(), questions.fileno())
            self._serve(line, questions)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _serve(self, line: socket.socket, questions: socket.socket) -> None:
        from tradewind.plugins.components import ImportPreparation
        from tradewind.plugins.manager import discover
        from tradewind.ports import components, runtime
        from tradewind.triggerer import worker
        from tradewind.triggerer.loading import TriggerLoader
        from tradewind.triggerer.logs import TaskLogs
        from tradewind.triggerer.runtime import TriggerRuntime

        options, board = self._options, self._board
        assert board is not None
        secrets = _load(options.masks)()
        root = logging.getLogger()
        root.handlers[:] = [TaskLogs(options.log_folder, secrets)]
        root.setLevel(logging.INFO)
        if self.folder:
            sys.path.insert(0, self.folder)
        plugins = discover()
        components.use(plugins)
        plugins.prepare_import(ImportPreparation(process="triggerer"))
        loader = TriggerLoader(self.folder, self._files, _load(options.dag_importer))
        questions.setblocking(True)
        with runtime.serve(TriggerRuntime(questions, secrets)):
            worker.run(line, board, loader)


def _load(target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def _die_with(parent: int) -> None:
    """Be killed when the parent dies, however it dies and whatever this process does then (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def _close_all_but(*kept: int) -> None:
    low = 3
    for number in sorted(kept):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))
