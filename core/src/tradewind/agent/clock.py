"""The machine's clocks and randomness: the one place where time and ids come from."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from tradewind.model.ids import uuid7


class SystemClock:
    """A :class:`tradewind.ports.clock.Clock` that asks the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the edge where time is taken in, to be passed on

    def monotonic(self) -> float:
        return time.monotonic()


class SystemIds:
    """uuid7s from the machine's clock and randomness."""

    def new_id(self) -> str:
        """A fresh id."""
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
