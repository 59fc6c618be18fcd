"""Ends the way behind it where a condition does not hold."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Unpack

from tradewind.authoring.operators.python import PythonArguments, PythonOperator
from tradewind.model.outcomes import Branched


class ShortCircuitOperator(PythonOperator):
    """Calls a function, and skips what is behind the task where the result is falsy.

    :param ignore_downstream_trigger_rules: skip everything behind, whatever its trigger rule; ``False`` skips
        what is directly behind and leaves the rest to the trigger rules.
    """

    chooses = True

    def __init__(
        self, *, ignore_downstream_trigger_rules: bool = True, **arguments: Unpack[PythonArguments]
    ) -> None:
        super().__init__(**arguments)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules
        self.chooses_all = ignore_downstream_trigger_rules

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        condition = self.call(context)
        if not condition:
            reason = f"{self.task_id} returned {condition!r}"[:200]
            context["ti"].decide(
                Branched(scope="all" if self.ignore_downstream_trigger_rules else "direct", reason=reason)
            )
        return condition
