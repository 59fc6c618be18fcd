"""Where time and ids come from: the agent's clock, which everybody shares, and the one source of ids."""

from __future__ import annotations

import os
import time

from tradewind.agent.clock import SystemClock
from tradewind.model.ids import uuid7

__all__ = ["SystemClock", "SystemIds"]


class SystemIds:
    """uuid7s from the machine's clock and randomness."""

    def new_id(self) -> str:
        """A fresh id."""
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
