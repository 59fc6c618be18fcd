"""What this package brings."""

from __future__ import annotations

from tradewind.plugins import Component, hookimpl


@hookimpl
def tradewind_register_operators() -> list[Component]:
    return []
