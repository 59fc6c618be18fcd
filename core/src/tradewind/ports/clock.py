"""Time, and ids made from it. Passed in wherever they are needed, so that a test or a simulation can own them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day and a clock that never jumps."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment in the past; never goes back, whatever happens to the time of day."""
        ...


class IdSource(Protocol):
    """Makes ids that nobody else makes."""

    def new_id(self) -> str:
        """A fresh uuid7 (see :func:`tradewind.model.ids.uuid7`)."""
        ...
