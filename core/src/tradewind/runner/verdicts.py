"""What it means for the attempt when ``execute`` raises."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradewind.authoring.signals import RescheduleTask, TaskDeferred
from tradewind.errors import FailTask, SensorTimeout, SkipTask, TaskTimeout
from tradewind.logic.retries import ruled
from tradewind.model.outcomes import Failed, Outcome, Rescheduled, Skipped
from tradewind.runner.tracebacks import MAX_REASON, class_names, reason_of

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator
    from tradewind.model.order import Order

Context = Mapping[str, Any]


def outcome_of_error(error: BaseException) -> Outcome:
    """The outcome of an attempt whose task raised this."""
    match error:
        case SkipTask():
            return Skipped(_message(error) or "the task asked to be skipped")
        case FailTask() | SensorTimeout():
            return Failed(reason_of(error), class_names(error), retry="never")
        case TaskTimeout():
            return Failed(reason_of(error), class_names(error))
        case RescheduleTask():
            return Rescheduled(error.at)
        case TaskDeferred():
            return importlib.import_module("tradewind.runner.deferring").outcome_of_deferral(error)  # type: ignore[no-any-return]
        case SystemExit():
            code = "" if error.code is None else repr(error.code)
            return Failed(
                f"SystemExit: sys.exit({code}) was called; a task ends by returning or by raising an exception"[
                    :MAX_REASON
                ],
                class_names(error),
            )
        case KeyboardInterrupt():
            return Failed(
                "KeyboardInterrupt: the task was interrupted (Ctrl-C, or SIGINT)", class_names(error)
            )
    return Failed(reason_of(error), class_names(error))


def judged(
    task: BaseOperator, error: BaseException, outcome: Failed, order: Order, context: Context
) -> Failed:
    """The failure with what the task's retry policy makes of it; where it fails at once anyhow, none is asked."""
    if task.retry_policy is None or outcome.retry == "never":
        return outcome
    from tradewind.authoring.retry_policy import asked

    decision = asked(task.retry_policy, error, order.try_number, order.max_tries, context)
    delay = decision.retry_delay.total_seconds() if decision.retry_delay is not None else None
    return ruled(outcome, decision.action.value, delay, decision.reason)


def _message(error: BaseException) -> str:
    return " ".join(str(error).split())[:MAX_REASON]
