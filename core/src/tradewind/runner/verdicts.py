"""What it means for the attempt when ``execute`` raises."""

from __future__ import annotations

import importlib

from tradewind.authoring.signals import RescheduleTask, TaskDeferred
from tradewind.errors import FailTask, SensorTimeout, SkipTask, TaskTimeout
from tradewind.model.outcomes import Failed, Outcome, Rescheduled, Skipped
from tradewind.runner.tracebacks import MAX_REASON, class_names, reason_of


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


def will_retry(outcome: Failed, try_number: int, max_tries: int) -> bool:
    """Whether a failed attempt is followed by another, as far as its process can tell."""
    return outcome.retry != "never" and try_number <= max_tries


def _message(error: BaseException) -> str:
    return " ".join(str(error).split())[:MAX_REASON]
