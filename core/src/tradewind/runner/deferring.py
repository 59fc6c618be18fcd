"""A task that gives its slot back for a trigger, and one that goes on with what it gave. Imported by those alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tradewind.authoring.signals import TaskDeferred
from tradewind.errors import SerializationError
from tradewind.model.outcomes import Deferred, Failed, Outcome
from tradewind.model.waits import FAIL, RunsAwaited
from tradewind.runner.tracebacks import class_names, reason_of
from tradewind.serialization.values import decode, encode


def outcome_of_deferral(signal: TaskDeferred) -> Outcome:
    """The outcome of an attempt that defers; a failure where its trigger cannot be handed over."""
    name = type(signal.trigger).__name__
    try:
        path, arguments = signal.trigger.serialize()
        outcome = Deferred(
            trigger=path,
            trigger_kwargs=_text(arguments, f"The arguments that {name}.serialize() gives"),
            method=signal.method_name,
            method_kwargs=_text(signal.kwargs, "The kwargs of defer()"),
            timeout=_seconds(signal.timeout),
        )
        foreseen = signal.trigger.foreseen() if hasattr(signal.trigger, "foreseen") else None
        if isinstance(foreseen, RunsAwaited):
            return replace(outcome, runs=foreseen)
        if foreseen is not None:
            moment, payload = foreseen
            return replace(outcome, until=moment, event=_text(payload, f"The event of {name}"))
    except Exception as error:  # code of the trigger's author
        return Failed(reason_of(error), class_names(error))
    return outcome


def resume(task: Any, given: Mapping[str, Any], context: Any) -> Any:
    """Let the task go on after its wait; what its method returns."""
    if given["method"] == FAIL:
        failure = {"error": given["error"], "timed_out": bool(given.get("timed_out"))}
        return task.resume_execution(FAIL, failure, context)
    kwargs = decode(given["kwargs"].encode())
    if given.get("event") is not None:
        kwargs["event"] = decode(given["event"].encode())
    elif given["method"] == "execute_complete":
        kwargs.setdefault("event", None)
    return task.resume_execution(given["method"], kwargs, context)


def _text(value: Any, what: str) -> str:
    try:
        return encode(value).decode()
    except SerializationError as error:
        raise SerializationError(f"{what} cannot be kept while the task waits: {error}") from None


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
