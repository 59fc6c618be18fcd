"""The event loop: waits for file descriptors, timers and moments, and calls whoever asked."""

from __future__ import annotations

import heapq
import selectors
from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import count

from tradewind.ports.clock import Clock
from tradewind.ports.executor import HasFileno

LONGEST_SLEEP = 30.0  #: seconds; so that a jump of the time of day is noticed

Call = Callable[[], None]


class Loop:
    """One thread, one selector, two heaps: timers by the clock that never jumps, moments by the time of day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._soon: deque[Call] = deque()
        self._timers: list[tuple[float, int, Call]] = []
        self._moments: list[tuple[datetime, int, Call]] = []
        self._order = count()

    def watch(self, source: HasFileno, on_readable: Call) -> None:
        """Call ``on_readable`` whenever ``source`` can be read."""
        self._selector.register(source, selectors.EVENT_READ, on_readable)

    def unwatch(self, source: HasFileno) -> None:
        """Watch no longer."""
        self._selector.unregister(source)

    def soon(self, call: Call) -> None:
        """Call in the next turn."""
        self._soon.append(call)

    def later(self, seconds: float, call: Call) -> None:
        """Call once, after ``seconds``."""
        heapq.heappush(self._timers, (self._clock.monotonic() + seconds, next(self._order), call))

    def at(self, moment: datetime, call: Call) -> None:
        """Call once, when the time of day has come to ``moment``."""
        heapq.heappush(self._moments, (moment, next(self._order), call))

    @property
    def next_moment(self) -> datetime | None:
        """When something is due next by the time of day; ``None`` where nothing is."""
        return self._moments[0][0] if self._moments else None

    def turn(self, longest: float = LONGEST_SLEEP) -> None:
        """Wait for something to do, at most ``longest`` seconds, and do all that there is."""
        for key, _ in self._selector.select(0.0 if self._soon else self._patience(longest)):
            key.data()
        for _ in range(len(self._soon)):
            self._soon.popleft()()
        self._call_due()

    def _patience(self, longest: float) -> float:
        wait = longest
        if self._timers:
            wait = min(wait, self._timers[0][0] - self._clock.monotonic())
        if self._moments:
            wait = min(wait, (self._moments[0][0] - self._clock.now()).total_seconds())
        return max(wait, 0.0)

    def _call_due(self) -> None:
        now = self._clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        moment = self._clock.now()
        while self._moments and self._moments[0][0] <= moment:
            heapq.heappop(self._moments)[2]()

    def close(self) -> None:
        """Let go of the selector."""
        self._selector.close()
