"""Time and ids that a seed owns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from tradewind.model.ids import uuid7

MIDNIGHT = datetime(
    2024, 3, 10, tzinfo=UTC
)  #: a multiple of every step that schedules of the simulation have
START = MIDNIGHT + timedelta(seconds=100)
_TICK = timedelta(microseconds=1)


class SimClock:
    """The clock of the simulated machine: time passes when the world says so, the time of day may jump.

    Each look at the time of day costs a microsecond, so that what happened in one turn can be told from the next.
    """

    def __init__(self) -> None:
        self.elapsed = 0.0  #: seconds since the beginning
        self.has_jumped = False
        self._jumped = timedelta()
        self._looks = timedelta()

    def now(self) -> datetime:
        self._looks += _TICK
        return self.peek()

    def peek(self) -> datetime:
        """The time of day, without a tick."""
        return START + timedelta(seconds=self.elapsed) + self._jumped + self._looks

    def monotonic(self) -> float:
        return self.elapsed

    def jump(self, seconds: float) -> None:
        """The time of day is changed by somebody."""
        self._jumped += timedelta(seconds=seconds)
        self.has_jumped = True


class SimIds:
    """uuid7s from the simulated clock and the seed."""

    def __init__(self, clock: SimClock, dice: Random) -> None:
        self._clock = clock
        self._dice = dice

    def new_id(self) -> str:
        return uuid7(int(self._clock.peek().timestamp() * 1000), self._dice.randbytes(10))
