"""Keeps a family of processes alive: forked from one process that has imported what they share, before any thread or open
database; started again when they die; ended in order."""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger("tradewind")

PAUSES = (
    0.0,
    0.2,
    1.0,
    3.0,
    10.0,
)  #: seconds before a member that died is started for the first, second ... time again
DRAIN = signal.SIGUSR1  #: tells a member that the end is near: it is to start nothing more
_WELL = "exit code 0"
SETTLED = 30.0  #: seconds after which a member counts as healthy again


class Demand:
    """A bell that members ring when they want another one started. Made before any of them is forked."""

    def __init__(self) -> None:
        self.reader, self.bell = os.pipe()
        for end in (self.reader, self.bell):
            os.set_blocking(end, False)

    def heard(self) -> None:
        """Forget that it rang."""
        try:
            os.read(self.reader, 4096)
        except BlockingIOError:
            pass


@dataclass(slots=True)
class Member:
    """A process of the family.

    :param start: forks it; the pid of the process that serves. One that outlived an earlier family may be taken over.
    :param grace: seconds between asking it to end and ending it.
    :param drains: told by :data:`DRAIN` before any member is ended.
    :param on_demand: start it when this rings, and not before; nor again when it has ended, until it rings anew.
    :param every: seconds after which it is started again where it ends by itself, with exit code 0, as it is meant to;
        ``None``: it is meant to stay.
    """

    name: str
    start: Callable[[], int]
    grace: float = 10.0
    drains: bool = False
    on_demand: Demand | None = None
    every: float | None = None
    pid: int = 0
    pidfd: int = -1
    began: float = 0.0
    deaths: int = 0
    due: float | None = 0.0


@dataclass(slots=True)
class Supervisor:
    """Starts members in order, restarts them, and ends them in the same order: the last takes in what others report."""

    members: list[Member]
    pauses: tuple[float, ...] = PAUSES
    stopping: bool = False
    _wake: tuple[int, int] = field(default=(-1, -1))

    def run(self, on_up: Callable[[], None]) -> int:
        """Serve until SIGTERM or Ctrl-C; the exit code."""
        gc.collect()
        gc.freeze()
        for member in self.members:
            if member.on_demand is not None:
                member.due = None
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)
        told = False
        while not self.stopping:
            self._start_due()
            staying = [it for it in self.members if it.every is None and it.on_demand is None]
            if not told and all(member.pid for member in staying):
                on_up()
                told = True
            self._wait(self._patience())
        self._end()
        return 0

    def _note(self, signum: int, _frame: object) -> None:
        if self.stopping:
            os._exit(130)
        self.stopping = True

    def _start_due(self) -> None:
        for member in self.members:
            if member.due is not None and member.due <= time.monotonic():
                pid = member.start()
                member.began = time.monotonic()
                try:
                    member.pidfd = os.pidfd_open(pid)
                except ProcessLookupError:  # one that was taken over, and ended before it could be watched
                    self._start_again(member, "gone at once")
                    continue
                member.pid, member.due = pid, None
                if member.every is None:
                    log.info("%s is process %d", member.name, member.pid)

    def _patience(self) -> float | None:
        due = [member.due for member in self.members if member.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _wait(self, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(self._wake[0], select.POLLIN)
        for member in self.members:
            if member.pidfd >= 0:
                poll.register(member.pidfd, select.POLLIN)
            if member.on_demand is not None:
                poll.register(member.on_demand.reader, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}
        if self._wake[0] in ready:
            os.read(self._wake[0], 512)
        for member in self.members:
            if member.pidfd in ready:
                self._died(member)
            if member.on_demand is not None and member.on_demand.reader in ready:
                member.on_demand.heard()
                if not member.pid and member.due is None:
                    member.due = time.monotonic() + self._pause(member)

    def _died(self, member: Member) -> None:
        how = _reap(member)
        if self.stopping:
            return
        self._start_again(member, how)

    def _start_again(self, member: Member, how: str) -> None:
        if member.every is not None and how == _WELL:
            member.deaths, member.due = 0, time.monotonic() + member.every
            return
        lived = time.monotonic() - member.began
        member.deaths = 0 if lived > SETTLED else member.deaths + 1
        if member.on_demand is not None:
            member.due = None
            log.info("%s ended (%s) and is started again when it is wanted", member.name, how)
            return
        pause = self._pause(member)
        member.due = time.monotonic() + pause
        log.warning(
            "%s ended (%s) and is started again%s", member.name, how, f" in {pause:g} s" if pause else ""
        )

    def _pause(self, member: Member) -> float:
        """Seconds before a member that died is started again."""
        return self.pauses[min(member.deaths, len(self.pauses) - 1)]

    def _end(self) -> None:
        """Ask every member to end, the first one first, and see that it does."""
        for member in self.members:
            if member.pid and member.drains:
                _kill(member.pid, DRAIN)
        for member in self.members:
            if not member.pid:
                continue
            _kill(member.pid, signal.SIGTERM)
            if not _gone(member, member.grace):
                log.warning("%s did not end within %g s and is killed", member.name, member.grace)
                _kill(member.pid, signal.SIGKILL)
                _gone(member, 5.0)
            _reap(member)


def forked(body: Callable[[], int], name: str) -> int:
    """Fork a process that does ``body`` and ends with its exit code; its pid. It ends with its parent."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C reaches the whole group; the supervisor passes it on
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _end_with(parent)
        code = body()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """Get SIGTERM when the parent dies, however it dies (Linux)."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(0)


def _reap(member: Member) -> str:
    how = "no longer there"
    try:
        _, status = os.waitpid(member.pid, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status)
        how = _WELL if code == 0 else f"exit code {code}" if code > 0 else f"signal {-code}"
    except ChildProcessError:
        pass  # one that was taken over is not our child
    if member.pidfd >= 0:
        os.close(member.pidfd)
    member.pid, member.pidfd = 0, -1
    return how


def _gone(member: Member, seconds: float) -> bool:
    poll = select.poll()
    poll.register(member.pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _kill(pid: int, signum: int) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass
