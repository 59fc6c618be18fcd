"""How ``execute`` tells that a task goes on in another way than by returning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from tradewind.errors import TaskSignal


class Trigger(Protocol):
    """Something to wait for without a slot, as far as the deferring task needs to know it."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The dotted path of its class, and the arguments that make it again."""
        ...


class TaskDeferred(TaskSignal):
    """Raised by :meth:`tradewind.BaseOperator.defer`: wait for ``trigger``, then go on in ``method_name``.

    :param kwargs: arguments of the method, beside the context and the trigger's event.
    :param timeout: how long to wait at most.
    """

    def __init__(
        self,
        *,
        trigger: Trigger,
        method_name: str,
        kwargs: Mapping[str, Any] | None = None,
        timeout: timedelta | float | None = None,
    ) -> None:
        super().__init__(f"waits for {type(trigger).__name__}, then goes on in {method_name}()")
        self.trigger = trigger
        self.method_name = method_name
        self.kwargs = dict(kwargs or {})
        self.timeout = timeout


class RescheduleTask(TaskSignal):
    """Raised by a sensor that gives its slot back: call ``execute`` again at ``at``, in the same try."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"looks again at {at.isoformat()}")
        self.at = at
