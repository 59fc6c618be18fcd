"""What ends attempts when their agent is killed: a pipe whose only writing end is the agent's.

An attempt cannot watch its agent, since user code has the process; its parent is a template, whose death it must survive.
So each process opens the pipe anew and asks the kernel to send SIGKILL to its group as soon as the last writer is gone
(``F_SETSIG`` on an ``O_ASYNC`` descriptor). This holds whatever the process does, and costs nothing while it runs.
Where the kernel offers no such thing (macOS), a thread waits for the pipe's end.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from dataclasses import dataclass


@dataclass(slots=True)
class Lifeline:
    """The reading end in this process, and the writing end where this process is the agent."""

    reader: int
    writer: int | None = None

    @classmethod
    def make(cls) -> Lifeline:
        """The agent's: everything that arms a copy of it ends with this process."""
        reader, writer = os.pipe()
        return cls(reader, writer)

    def let_go(self) -> None:
        """In a process forked from the agent: close the writing end, which must be the agent's alone."""
        if self.writer is not None:
            os.close(self.writer)
            self.writer = None

    def arm(self, group: int) -> int | None:
        """From now on the process group dies with the agent. Returns what :meth:`disarm` takes."""
        if not sys.platform.startswith("linux"):
            threading.Thread(target=self._wait, args=(group,), daemon=True, name="tradewind-lifeline").start()
            return None
        # A descriptor has one owner to signal, so each process needs an opening of its own.
        descriptor = os.open(f"/proc/self/fd/{self.reader}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, -group)
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        try:
            os.read(descriptor, 1)
        except BlockingIOError:
            return descriptor  # nothing to read, and somebody holds the other end: the agent is alive
        os.killpg(group, signal.SIGKILL)  # it died before the kernel was asked
        return descriptor

    def disarm(self, armed: int | None) -> None:
        if armed is not None:
            os.close(armed)

    def _wait(self, group: int) -> None:
        os.read(self.reader, 1)
        os.killpg(group, signal.SIGKILL)
