"""Does nothing: a place for arrows to meet."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tradewind.authoring.freezing import TASK_CALLBACKS
from tradewind.authoring.operator import BaseOperator


class EmptyOperator(BaseOperator):
    """Does nothing.

    The scheduler ends it on the spot, unless callbacks, outlets or a subclass give it something to do.
    """

    ui_color = "#e8f7e4"

    @property
    def runs_code(self) -> bool:  # type: ignore[override]
        """Whether there is something to run after all."""
        given = (*TASK_CALLBACKS, "pre_execute_hook", "post_execute_hook", "inlets", "outlets")
        methods = ("execute", "pre_execute", "post_execute")
        return any(getattr(self, name) for name in given) or any(
            getattr(type(self), name) is not getattr(EmptyOperator, name) for name in methods
        )

    def execute(self, context: MutableMapping[str, Any]) -> None:
        pass
