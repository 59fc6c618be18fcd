"""A command that a task runs: its output goes to the task's log line by line, and it dies with the task."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_GRACE = 5.0  #: seconds between SIGTERM and SIGKILL
_LINGER = 1.0  #: seconds that output may still come after the command's own process has ended
_LONGEST_LINE = 1024 * 1024  #: bytes; a longer line is logged in pieces of this size


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    :param code: its exit code; negative: the number of the signal that killed it.
    :param tail: the last lines of its output, standard error included.
    """

    code: int
    tail: tuple[str, ...]

    @property
    def last_line(self) -> str:
        """The last line of output without trailing white space; empty where there was none."""
        return self.tail[-1] if self.tail else ""

    @property
    def reason(self) -> str:
        """``exit code 3``, or ``killed by signal 9 (SIGKILL)``."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            name = f" ({signal.Signals(-self.code).name})"
        except ValueError:
            name = ""
        return f"killed by signal {-self.code}{name}"


class Command:
    """Runs one command at a time.

    A task's process leads a session of its own, and whoever ends the task ends the whole of its process group; there the
    command stays in that group, so that it cannot outlive the task however that dies. Anywhere else, as in a test or with
    the inline executor, the command gets a group of its own, which :meth:`kill` ends.
    """

    def __init__(self, *, keep: int = 1, encoding: str = "utf-8") -> None:
        self._keep = keep
        self._encoding = encoding
        self._process: subprocess.Popen[bytes] | None = None
        self._code: int | None = None
        self._shares_group = False

    def run(
        self, arguments: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None
    ) -> Ended:
        """Run the command to its end.

        :param env: its whole environment; ``None``: this process's.
        :raises OSError: where it cannot be started.
        """
        self._shares_group = os.getsid(0) == os.getpid()
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            process_group=None if self._shares_group else 0,
        )
        self._process, self._code = process, None
        assert process.stdout is not None
        tail: list[str] = []
        # A thread reads, because a process left in the background may hold the output open long after the command ended.
        reader = threading.Thread(target=self._read, args=(process.stdout, tail), daemon=True)
        # Another waits, because Popen.wait() cannot be asked a second time by the signal handler that comes in between.
        waiter = threading.Thread(target=self._wait, args=(process,), daemon=True)
        reader.start()
        waiter.start()
        try:
            waiter.join()
        except BaseException:  # the task's time is over, or it was interrupted: the command must not go on
            self.kill()
            raise
        reader.join(_LINGER)
        if reader.is_alive():
            print(
                "The command has ended; what processes in its background still write is not logged.",
                flush=True,
            )
        assert self._code is not None
        return Ended(self._code, tuple(tail))

    def kill(self) -> None:
        """End the command and whatever it started: SIGTERM first, SIGKILL where that does not help."""
        process = self._process
        if process is None or self._code is not None:
            return
        self._signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while self._goes_on(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._goes_on(process):
            self._signal(process, signal.SIGKILL)

    def _goes_on(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the command, or anything else in the group that it was given, is still there."""
        if self._code is None or self._shares_group:
            return self._code is None
        try:
            os.killpg(process.pid, 0)
        except OSError:
            return False
        return True

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        self._code = process.wait()

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        try:
            if not self._shares_group:
                os.killpg(process.pid, number)
            elif number is signal.SIGTERM:
                _signal_own_group_but_not_self(number)
            else:
                process.kill()
        except ProcessLookupError:
            pass

    def _read(self, output: IO[bytes], tail: list[str]) -> None:
        with output:
            while piece := output.readline(_LONGEST_LINE):
                line = piece.decode(self._encoding, errors="backslashreplace").rstrip()
                tail.append(line)
                del tail[: -self._keep]
                print(line, flush=True)


def _signal_own_group_but_not_self(number: signal.Signals) -> None:
    # A signal that is ignored when it arrives is gone, so the handler that led here does not run a second time.
    before = signal.signal(number, signal.SIG_IGN)
    try:
        os.killpg(0, number)
    finally:
        signal.signal(number, before)
