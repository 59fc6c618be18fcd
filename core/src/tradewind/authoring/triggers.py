"""What a deferred task waits for: classes on :class:`BaseTrigger`, of which a triggerer runs thousands in one process."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from tradewind.model.waits import RunsAwaited

__all__ = ["BaseTrigger", "RunsAwaited", "TriggerEvent"]


class TriggerEvent:
    """What a trigger gives: the task goes on with ``payload``, which is kept as an XCom's value would be."""

    def __init__(self, payload: Any = None) -> None:
        self.payload = payload

    def __repr__(self) -> str:
        return f"TriggerEvent<{self.payload!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TriggerEvent) and other.payload == self.payload

    def __hash__(self) -> int:
        return hash(repr(self.payload))


class BaseTrigger(ABC):
    """Something to wait for without a slot.

    It shares its process and event loop with many others: :meth:`run` must ``await`` whatever takes time, and what blocks
    the loop for long is ended, with its task. A trigger may be run again from its beginning, after a crash say, so it
    looks at the world and changes nothing in it.
    """

    def __init__(self, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            setattr(self, name, value)

    @property
    def log(self) -> logging.Logger:
        """Writes to the log of the task that waits."""
        return logging.getLogger("tradewind.trigger")

    @abstractmethod
    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The dotted path of its class (or the name that it is registered under), and the arguments that make it again.

        The class may be defined in a package that is installed, or in the DAG's folder. The arguments may be whatever an
        XCom may be.
        """

    @abstractmethod
    def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event; an ``async def`` with a ``yield``. Its first event ends the wait.

        What it raises, and ending without an event, fail the task with :class:`tradewind.errors.TaskDeferralError`.
        """

    async def cleanup(self) -> None:  # noqa: B027  # may be left as it is
        """Called when it is not run any more, in whatever way that came; also where it goes on in another process."""

    async def on_kill(self) -> None:  # noqa: B027  # may be left as it is
        """Called before :meth:`cleanup` where nobody waits any more: the task was cleared, marked or has timed out."""

    def foreseen(self) -> tuple[datetime, Any] | RunsAwaited | None:
        """What the scheduler can wait for by itself, so that no triggerer is needed.

        :return: the moment at which it would fire, and its event's payload; or the runs of another DAG that it would wait
            for, whose event is ``{"status": "success" | "failed" | "skipped" | "missing", "reason": ...}``; or ``None``.
        """
        return None

    def __repr__(self) -> str:
        path, kwargs = self.serialize()
        return f"<{path} {', '.join(f'{name}={value!r}' for name, value in kwargs.items())}>"
