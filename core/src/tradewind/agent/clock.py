"""The machine's clocks: the one place where time comes from."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """A :class:`tradewind.ports.clock.Clock` that asks the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the edge where time is taken in, to be passed on

    def monotonic(self) -> float:
        return time.monotonic()
