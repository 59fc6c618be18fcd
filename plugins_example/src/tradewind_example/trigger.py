"""A trigger: what a task waits for without a slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tradewind import BaseTrigger, TriggerEvent


class WarmTrigger(BaseTrigger):
    """Fires when the town's weather service says that it is warm; the event is the temperature.

    :param readings: what the service will say, one after another: a real trigger would ask it.
    :param pause: seconds between questions.
    """

    def __init__(self, readings: list[float], wanted: float = 20.0, pause: float = 60.0) -> None:
        super().__init__()
        self.readings = readings
        self.wanted = wanted
        self.pause = pause

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "example_warm", {"readings": self.readings, "wanted": self.wanted, "pause": self.pause}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        for reading in self.readings:
            if reading >= self.wanted:
                yield TriggerEvent(reading)
            await asyncio.sleep(self.pause)
