"""Waiting for a moment. The scheduler waits for it by itself, so that no triggerer is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from tradewind import BaseTrigger, TriggerEvent
from tradewind.agent.clock import SystemClock


class DateTimeTrigger(BaseTrigger):
    """Fires at a moment; the event is the moment.

    :param moment: with its time zone.
    :param end_from_trigger: taken for the sake of DAG files that give it; makes no difference.
    """

    def __init__(self, moment: datetime, *, end_from_trigger: bool = False) -> None:
        if not isinstance(moment, datetime):
            raise TypeError(f"moment is a datetime, not {type(moment).__name__}.")
        if moment.tzinfo is None:
            raise ValueError(
                f"The moment {moment} has no time zone: give it one, as in moment.replace(tzinfo=UTC)."
            )
        super().__init__(moment=moment, end_from_trigger=end_from_trigger)
        self.moment: datetime = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.DateTimeTrigger", {"moment": self.moment}

    def foreseen(self) -> tuple[datetime, Any]:
        return self.moment, self.moment

    async def run(self) -> AsyncIterator[TriggerEvent]:
        clock = SystemClock()
        # in steps, since the time of day may jump
        while (left := (self.moment - clock.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 60.0))
        yield TriggerEvent(self.moment)


class TimeDeltaTrigger(DateTimeTrigger):
    """Fires when so much time has passed from now on."""

    def __init__(self, delta: timedelta, *, end_from_trigger: bool = False) -> None:
        super().__init__(moment=SystemClock().now() + delta, end_from_trigger=end_from_trigger)
