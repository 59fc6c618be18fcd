"""A notifier: what it says is a template."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tradewind import BaseNotifier


class FlagNotifier(BaseNotifier):
    """Hoists a flag with a message."""

    template_fields = ("message",)

    def __init__(self, message: str = "{{ dag.dag_id }}") -> None:
        self.message = message

    def notify(self, context: MutableMapping[str, Any]) -> None:
        print("the flag says:", self.message)
