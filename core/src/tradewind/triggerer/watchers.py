"""The watchers of assets: triggers that are run again whenever they end, and the pauses before that."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tradewind.agent.loop import Loop, Timer
from tradewind.agent.protocol import Watch

log = logging.getLogger("tradewind.triggerer")

LEAST_PAUSE = 1.0  #: seconds; also before a trigger that has fired and ended is run again
LONGEST_PAUSE = 300.0
_SETTLED = 60.0  #: seconds after which a trigger that runs is taken for a good one


class _Watcher:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.failures = 0
        self.began = time.monotonic()
        self.again: Timer | None = None


class Watchers:
    """Those that are to watch; whether each runs at the moment, or pauses.

    :param run: runs a trigger.
    """

    def __init__(self, loop: Loop, run: Callable[[Watch], None]) -> None:
        self._loop = loop
        self._run = run
        self._all: dict[str, _Watcher] = {}

    def __contains__(self, wait_id: str) -> bool:
        return wait_id in self._all

    def __len__(self) -> int:
        return len(self._all)

    def ids(self) -> set[str]:
        """The watches."""
        return set(self._all)

    def add(self, watch: Watch) -> None:
        """Have it watch from now on."""
        self._all[watch.wait_id] = _Watcher(watch)
        self._run(watch)

    def discard(self, wait_id: str) -> None:
        """Nobody wants it any more."""
        watcher = self._all.pop(wait_id, None)
        if watcher is not None and watcher.again is not None:
            watcher.again.cancel()

    def has_failed(self, wait_id: str) -> bool:
        """Whether its trigger failed lately."""
        watcher = self._all.get(wait_id)
        return watcher is not None and bool(watcher.failures)

    def ended(self, wait_id: str, error: str | None) -> None:
        """Its trigger has ended: run it again after a pause, a longer one each time that it fails."""
        watcher = self._all[wait_id]
        now = time.monotonic()
        pause = LEAST_PAUSE
        if error is not None:
            if now - watcher.began > _SETTLED:
                watcher.failures = 0
            pause = min(LEAST_PAUSE * 2**watcher.failures, LONGEST_PAUSE)
            watcher.failures = min(watcher.failures + 1, 20)
            assert watcher.watch.watched is not None
            log.error(
                "%s failed: %s. It is tried again in %g s.",
                watcher.watch.watched.label,
                error,
                pause,
            )

        def again() -> None:
            watcher.again = None
            watcher.began = time.monotonic()
            self._run(watcher.watch)

        watcher.again = self._loop.later(pause, again)
