"""``execution_timeout``: raises in the task when its time is over."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tradewind.errors import TaskTimeout


@contextmanager
def time_limit(seconds: float | None, what: str = "its execution_timeout") -> Iterator[None]:
    """Raise :class:`TaskTimeout` inside the ``with`` block after so many seconds.

    Code that does not come back to Python, and a block outside the main thread, are left to the agent, which ends the
    process a little later.

    :param what: whose limit it is, for the message.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise TaskTimeout(f"ran longer than {what} of {seconds:g} s")

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, over)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if delay:  # somebody else's timer, where the task runs in their process
            signal.setitimer(signal.ITIMER_REAL, max(delay - (time.monotonic() - began), 1e-6), interval)
