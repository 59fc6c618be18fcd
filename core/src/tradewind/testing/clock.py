"""A clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tradewind.errors import Refused

#: where a clock stands that was not told where to begin: the same in every test run
BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)


class MovableClock:
    """Time that passes when the test says so.

    :param now: aware; where it begins.
    :param on_move: called with the moment to go to, and goes there step by step; without it the clock just leaps.
    """

    def __init__(self, now: datetime = BEGINNING, on_move: Callable[[datetime], None] | None = None) -> None:
        if now.tzinfo is None:
            raise Refused(
                f"The clock needs an aware datetime: say {now!r}.replace(tzinfo=UTC), or which zone."
            )
        self._began = self._now = now.astimezone(UTC)
        self._on_move = on_move

    def now(self) -> datetime:
        """The current moment; UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._now - self._began).total_seconds()

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass: whatever becomes due on the way happens, in order, each at its own moment."""
        self.move_to(self._now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def move_to(self, moment: datetime) -> None:
        """Let time pass until ``moment``.

        :raises Refused: where that has gone by.
        """
        if moment < self._now:
            raise Refused(f"The clock stands at {self._now} and does not go back to {moment}.")
        if self._on_move is None:
            self.leap(moment)
        else:
            self._on_move(moment.astimezone(UTC))

    def leap(self, moment: datetime) -> None:
        """It is ``moment`` now, if that is not past; nothing else happens."""
        self._now = max(self._now, moment.astimezone(UTC))
