"""What a task asks a person for, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradewind.model.spec import ParamSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRequest:
    """What is asked.

    :param options: what can be chosen.
    :param defaults: what counts as chosen when the time is over; ``None``: then the task is told that it is.
    :param multiple: whether several options, or none, may be chosen.
    :param params: fields of a form, by name.
    :param assigned_users: who may answer; empty: everybody.
    """

    subject: str
    options: tuple[str, ...]
    body: str | None = None
    defaults: tuple[str, ...] | None = None
    multiple: bool = False
    params: dict[str, ParamSpec] = field(default_factory=dict)
    assigned_users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAnswer:
    """What was answered.

    :param by: who; empty where the time was over.
    :param error: why there is no answer.
    """

    chosen_options: tuple[str, ...] = ()
    params_input: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    at: datetime | None = None
    error: str = ""

    def event(self) -> dict[str, Any]:
        """As ``execute_complete`` gets it."""
        return {
            "chosen_options": list(self.chosen_options),
            "params_input": dict(self.params_input),
            "responded_by_user": {"id": self.by, "name": self.by} if self.by else None,
            "responded_at": self.at.isoformat() if self.at else None,
            "timedout": not self.by,
        }
