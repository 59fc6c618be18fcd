"""Waiting for runs of another DAG, which the scheduler does by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from tradewind import BaseTrigger, TriggerEvent
from tradewind.authoring import RunsAwaited


class ExternalTaskTrigger(BaseTrigger):
    """Fires when the runs, or tasks of theirs, have come to one of the wanted states.

    The event is ``{"status": "success" | "failed" | "skipped" | "missing", "reason": ...}``.
    """

    def __init__(self, awaited: RunsAwaited | dict[str, Any]) -> None:
        super().__init__()
        self.awaited = awaited if isinstance(awaited, RunsAwaited) else RunsAwaited(**awaited)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.ExternalTaskTrigger", {"awaited": asdict(self.awaited)}

    def foreseen(self) -> RunsAwaited:
        return self.awaited

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise RuntimeError("The scheduler waits for runs by itself; this trigger runs nowhere else.")
        yield  # an asynchronous generator all the same
