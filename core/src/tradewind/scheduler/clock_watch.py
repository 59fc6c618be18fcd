"""Notices when the time of day is set, which a clock that never jumps gives away."""

from __future__ import annotations

from datetime import timedelta

from tradewind.ports.clock import Clock

LEAST = timedelta(seconds=30)  #: what is less is the ordinary correction of a clock


class ClockWatch:
    """Compares the two clocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = self._difference()

    def jump(self) -> timedelta | None:
        """By how much the time of day was set forward (or back, below zero) since the last look; ``None``: it was not."""
        apart = self._difference()
        jump, self._apart = apart - self._apart, apart
        return jump if abs(jump) >= LEAST else None

    def _difference(self) -> timedelta:
        now = self._clock.now()
        return now - now.min.replace(tzinfo=now.tzinfo) - timedelta(seconds=self._clock.monotonic())
