"""The event loop of agents and templates: descriptors, timers, signals; one thread, no callbacks from elsewhere."""

from __future__ import annotations

import heapq
import logging
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from tradewind.ports.executor import HasFileno

log = logging.getLogger(__name__)

Call = Callable[[], None]


class Timer:
    """A call that is due later, unless it is cancelled."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call: Call | None = call

    def cancel(self) -> None:
        self._call = None

    def fire(self) -> None:
        if self._call is not None:
            self._call()


class Loop:
    """Runs callbacks until :meth:`stop`. An error in one of them is logged, and the others go on."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._soon: deque[Call] = deque()
        self._signals: dict[int, Call] = {}
        self._wakeup: tuple[socket.socket, socket.socket] | None = None
        self._running = False

    def watch(self, source: HasFileno, on_readable: Call, on_writable: Call | None = None) -> None:
        """Call ``on_readable`` whenever ``source`` can be read, and ``on_writable`` whenever it can be written."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if on_writable else 0)
        try:
            self._selector.register(source, events, (on_readable, on_writable))
        except KeyError:
            self._selector.modify(source, events, (on_readable, on_writable))

    def unwatch(self, source: HasFileno) -> None:
        try:
            self._selector.unregister(source)
        except (KeyError, ValueError):
            pass

    def soon(self, call: Call) -> None:
        self._soon.append(call)

    def later(self, seconds: float, call: Call) -> Timer:
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def on_signal(self, signum: int, call: Call) -> None:
        """Call ``call`` from the loop after the signal has come."""
        if self._wakeup is None:
            self._wakeup = socket.socketpair()
            for end in self._wakeup:
                end.setblocking(False)
            signal.set_wakeup_fd(self._wakeup[1].fileno(), warn_on_full_buffer=False)
            self.watch(self._wakeup[0], self._take_signals)
        self._signals[signum] = call
        signal.signal(signum, lambda _number, _frame: None)

    def run(self) -> None:
        self._running = True
        while self._running:
            self._turn()

    def stop(self) -> None:
        self._running = False

    def close(self) -> None:
        """Give back the descriptors; also how a forked child lets go of its parent's loop."""
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            for end in self._wakeup:
                end.close()
        self._selector.close()

    def _turn(self) -> None:
        for key, events in self._selector.select(self._patience()):
            on_readable, on_writable = key.data
            if events & selectors.EVENT_WRITE and on_writable is not None:
                self._guarded(on_writable)
            if events & selectors.EVENT_READ:
                self._guarded(on_readable)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._guarded(heapq.heappop(self._timers)[2].fire)
        for _ in range(len(self._soon)):
            self._guarded(self._soon.popleft())

    def _patience(self) -> float | None:
        if self._soon:
            return 0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _guarded(self, call: Call) -> None:
        try:
            call()
        except Exception:
            # One attempt's trouble must not take the others down; what was under way for it is ended by its timers.
            log.exception("An error in the agent's loop; it goes on")

    def _take_signals(self) -> None:
        assert self._wakeup is not None
        try:
            numbers = self._wakeup[0].recv(4096)
        except BlockingIOError:
            return
        for signum in dict.fromkeys(numbers):
            if call := self._signals.get(signum):
                call()
