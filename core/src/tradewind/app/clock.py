"""Where time and ids come from: the agent's clock and ids, which everybody shares."""

from __future__ import annotations

from tradewind.agent.clock import SystemClock, SystemIds

__all__ = ["SystemClock", "SystemIds"]
