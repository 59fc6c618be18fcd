"""Keeps a process's descendants in order: reaps them, tells of known ones, and ends what they leave behind.

Agents and templates are *subreapers*: whatever an attempt leaves running, in its own process group or in a session
of its own, becomes their child when the attempt's process is gone. Known children are few; any other is such a remainder.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache

from tradewind.agent.loop import Loop

OnExit = Callable[[int], None]  # takes a waitpid status

LEFT_NOTHING = 77  #: exit code of an attempt's process that has nobody below it, and whose log is complete

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 0.05  #: seconds between looks at processes that are being ended


def become_subreaper() -> None:
    """Adopt orphaned descendants from now on. Linux alone offers it; elsewhere process groups are all there is."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    """Opened once, in a process that forks: each fork would have to do it again."""
    return ctypes.CDLL(None, use_errno=True)


def is_alone() -> bool:
    """Whether this process, a subreaper, has nobody below it; one system call, for a process that is about to end."""
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def children_of(pid: int) -> list[int]:
    """The processes whose parent is ``pid``, ended ones that nobody has reaped included."""
    if not sys.platform.startswith("linux"):
        return []
    if not _kernel_lists_children():
        return _tree().get(pid, [])
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    except OSError:
        pass  # it is gone
    return found


def descendants_of(pid: int) -> list[int]:
    """Children, their children and so on."""
    tree = _tree() if sys.platform.startswith("linux") and not _kernel_lists_children() else None
    found: list[int] = []
    layer = [pid]
    while layer:
        layer = [
            child
            for parent in layer
            for child in (children_of(parent) if tree is None else tree.get(parent, []))
        ]
        found += layer
    return found


@cache
def _kernel_lists_children() -> bool:
    """Whether the kernel was built with ``CONFIG_PROC_CHILDREN``; some are not."""
    return os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


def _tree() -> dict[int, list[int]]:
    """All processes by their parent: every one is looked at, so this is for rare occasions."""
    tree: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            tree.setdefault(parent, []).append(int(name))
    return tree


def signal_all(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signum)
        except OSError:
            pass  # it is gone already


def signal_group(group: int, signum: int) -> bool:
    """Whether there is such a group."""
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # macOS says so of a group whose members have ended
    return True


class Family:
    """The children of this process.

    :param grace: seconds between SIGTERM and SIGKILL for what is left behind.
    :param adopt: asked about a child that was not made by this process: what to call when it is gone, or ``None`` where
        it is a remainder to be ended.
    """

    def __init__(
        self, loop: Loop, grace: float, adopt: Callable[[int], OnExit | None] = lambda pid: None
    ) -> None:
        self._loop = loop
        self._grace = grace
        self._adopt = adopt
        self._known: dict[int, OnExit] = {}
        self._groups: dict[int, float] = {}  # process group → patience left, seconds
        self._orphans: dict[int, float] = {}
        self._ticking = False
        loop.on_signal(signal.SIGCHLD, self.reap)

    def know(self, pid: int, on_exit: OnExit) -> None:
        """Call ``on_exit`` with the ``waitpid`` status when the child is gone, then end what it left behind."""
        self._known[pid] = on_exit

    def reap(self) -> None:
        """Take the ended children, and look for what they left behind."""
        remainders = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            known = self._known.pop(pid, None) or self._adopt(pid)
            if self._orphans.pop(pid, None) is not None or status != LEFT_NOTHING << 8:
                remainders = True
                if known is not None and signal_group(pid, signal.SIGTERM):
                    self._groups.setdefault(pid, self._grace)
            if known is not None:
                known(status)
        if remainders:
            self.end_remainders()

    def end_remainders(self) -> None:
        """Ask what was left behind to end; see to it that it does."""
        for pid in children_of(os.getpid()):
            if pid in self._known or pid in self._orphans:
                continue
            if on_exit := self._adopt(pid):
                self._known[pid] = on_exit
            else:
                self._orphans[pid] = self._grace
                signal_all([pid, *descendants_of(pid)], signal.SIGTERM)
        self._look_again()

    def kill_everything(self) -> bool:
        """Kill all descendants at once; whether there were any."""
        pids = descendants_of(os.getpid())
        for group in {*self._known, *self._groups}:
            signal_group(group, signal.SIGKILL)
        signal_all(pids, signal.SIGKILL)
        return bool(pids)

    def _tick(self) -> None:
        self._ticking = False
        self._groups = {
            group: left - _PATIENCE for group, left in self._groups.items() if signal_group(group, 0)
        }
        self._orphans = {pid: left - _PATIENCE for pid, left in self._orphans.items()}
        for group, left in self._groups.items():
            if left <= 0:
                signal_group(group, signal.SIGKILL)
        for pid, left in self._orphans.items():
            if left <= 0:
                signal_all([pid, *descendants_of(pid)], signal.SIGKILL)
        self.reap()
        self._look_again()

    def _look_again(self) -> None:
        if (self._orphans or self._groups) and not self._ticking:
            self._ticking = True
            self._loop.later(min(_PATIENCE, self._grace), self._tick)
