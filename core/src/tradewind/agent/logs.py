"""Logs of attempts: opened by the attempt's process, kept within bounds and closed with their last line by the agent."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from datetime import datetime

from tradewind.agent.unpack import check_inside
from tradewind.errors import TradewindError
from tradewind.model.outcomes import (
    AwaitsInput,
    Branched,
    Deferred,
    Failed,
    Outcome,
    Rescheduled,
    Skipped,
    Succeeded,
    TriggersRun,
)

_TAIL = 2048
_NEWEST = 64 * 1024  #: bytes of newest lines that a cut keeps; the agent copies them between two messages


class ForgivingFile(io.FileIO):
    """A descriptor whose output is lost, rather than the task, where it cannot be written to (a full disk)."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BlockingIOError:
            raise
        except OSError:
            return len(memoryview(data))  # type: ignore[arg-type]


def set_up_output() -> None:
    """Make ``sys.stdout`` and ``sys.stderr`` anew: line by line, so that a log can be read while it grows.

    Done before user code is imported: whoever keeps a reference to a stream keeps one that is still right after a fork.
    """
    sys.stdout = sys.__stdout__ = _stream(1, "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "backslashreplace")  # type: ignore[misc]


def _stream(descriptor: int, errors: str) -> io.TextIOWrapper:
    buffered = io.BufferedWriter(ForgivingFile(descriptor, "w", closefd=False))
    return io.TextIOWrapper(buffered, encoding="utf-8", errors=errors, line_buffering=True)


def open_log(log_folder: str, log_path: str) -> int:
    """A descriptor that appends to the log.

    :raises TradewindError: where the path leaves the log folder.
    :raises OSError: where it cannot be opened.
    """
    path = os.path.join(log_folder, check_inside(log_path))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        _make_folder(os.path.dirname(path))
        return os.open(path, flags, 0o644)


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path)  # the run's folder is there but for its first task
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(path, exist_ok=True)


def line(at: datetime, text: str, level: str = "INFO") -> bytes:
    """A line of ours in a log."""
    return f"[{at:%Y-%m-%dT%H:%M:%S.%f%z}] {level} tradewind - {text}\n".encode(errors="backslashreplace")


def ending(outcome: Outcome) -> str:
    """What the last line of a log says."""
    return f"Attempt ended: {_ending(outcome)}"


def _ending(outcome: Outcome) -> str:
    match outcome:
        case Succeeded():
            return "success"
        case Failed():
            return f"failed: {outcome.reason}"
        case Skipped():
            return f"skipped: {outcome.reason}"
        case Branched():
            return f"success, goes on with {', '.join(outcome.follow) or 'nothing'}"
        case Rescheduled():
            return f"looks again at {outcome.at.isoformat()}"
        case Deferred():
            return f"deferred to {outcome.trigger}"
        case AwaitsInput():
            return "waits for input"
        case TriggersRun():
            return f"triggers a run of {outcome.dag_id}"


class AttemptLog:
    """A log as the agent sees it.

    :param limit: bytes; beyond it the middle of the log is dropped: its first half stays, and its newest lines.
    """

    def __init__(self, log_folder: str, log_path: str, limit: int) -> None:
        self._log_folder = log_folder
        self._log_path = log_path
        self._limit = limit
        self._kept = 0
        #: Why the log could not be written, if it could not.
        self.lost: str | None = None

    def write(self, data: bytes) -> None:
        self._with_file(lambda descriptor: os.write(descriptor, data))

    def cut_back(self, at: datetime) -> bool:
        """Cut the log where it is over its limit; whether it is growing fast."""
        path = os.path.join(self._log_folder, self._log_path)
        try:
            size = os.stat(path).st_size
            if size > self._limit:
                self._cut_back(path, at)
        except OSError:
            return False  # not there yet, or lost: its end will tell
        return size > self._limit // 4

    def end(self, at: datetime, text: str) -> None:
        """Have ``text`` in the last line of the log, where it may stand already."""
        self.cut_back(at)
        self._with_file(lambda descriptor: self._end(descriptor, at, text))

    def _cut_back(self, path: str, at: datetime) -> None:
        notice = f"The log passed {self._limit} bytes: what stood between here and the next line is dropped"
        kept = b"\n" + line(at, notice, "WARNING")
        # The newest lines are kept: a log that passes its limit at the very end may end with the traceback.
        newest = self._newest(min(self._limit // 4, _NEWEST)).partition(b"\n")[2]
        # Not opened to append: the notice has its place, whatever is written meanwhile, before the rest is cut off.
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if not self._kept:
                self._kept = self._limit // 2 + os.pwrite(descriptor, kept, self._limit // 2)
            os.ftruncate(descriptor, self._kept + os.pwrite(descriptor, newest, self._kept))
        finally:
            os.close(descriptor)

    def _newest(self, count: int) -> bytes:
        with open(os.path.join(self._log_folder, self._log_path), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - count))
            return file.read(count)

    def _end(self, descriptor: int, at: datetime, text: str) -> None:
        tail = self._newest(_TAIL)
        if text.encode(errors="backslashreplace") not in tail.rstrip(b"\n").rpartition(b"\n")[2]:
            os.write(descriptor, (b"" if tail.endswith(b"\n") or not tail else b"\n") + line(at, text))

    def _with_file(self, action: Callable[[int], object]) -> None:
        try:
            descriptor = open_log(self._log_folder, self._log_path)
        except (OSError, TradewindError) as error:
            self.lost = str(error)
            return
        try:
            action(descriptor)
        except OSError as error:
            self.lost = str(error)
        finally:
            os.close(descriptor)
