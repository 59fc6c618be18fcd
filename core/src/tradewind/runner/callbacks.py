"""Calls callbacks: functions that take the context, notifiers, and those of deadline alerts."""

from __future__ import annotations

import builtins
import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from tradewind.errors import TaskTimeout, TradewindError
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.outcomes import Failed, Outcome, Succeeded
from tradewind.runner.time_limit import time_limit
from tradewind.runner.tracebacks import class_names, reason_of

if TYPE_CHECKING:
    from tradewind.runner.context import TaskContext

log = logging.getLogger("tradewind.task")

EMAIL_NOTIFIER = "smtp"  #: sends what ``email_on_failure`` and ``email_on_retry`` ask for

Show = Callable[[BaseException], str]
Call = Callable[[MutableMapping[str, Any]], Any]


def call_all(name: str, callbacks: Any, context: MutableMapping[str, Any], show: Show) -> Failed | None:
    """Call all callbacks of a name. What one raises goes to the log, and the next one is called.

    :param show: a traceback as its author wants to read it.
    :returns: what the first one raised that did.
    """
    failed: Failed | None = None
    for callback in _several(callbacks):
        try:
            callback(context)
        except TaskTimeout:
            raise
        except (Exception, SystemExit) as error:
            shown = getattr(callback, "__name__", type(callback).__name__)
            log.error("The %s %s() raised:\n%s", name, shown, show(error).rstrip("\n"))
            failed = failed or Failed(
                f"{name} {shown}() raised {reason_of(error)}", class_names(error), retry="never"
            )
    return failed


def run_request(
    request: CallbackRequest, context: TaskContext, owner: Any, seconds: float | None, show: Show
) -> Outcome:
    """Call what was requested.

    :param owner: the task, or the DAG, whose callbacks they are.
    :param seconds: how long all of them may take.
    """
    set_up(context, request)
    failed: Failed | None = None
    try:
        with time_limit(seconds, "the time limit of callbacks"):
            for name in request.names:
                failed = call_all(name, _callbacks(owner, name, request), context, show) or failed
    except (TaskTimeout, TradewindError) as error:
        log.error("%s", error)
        return Failed(reason_of(error), class_names(error), retry="never")
    return failed or Succeeded()


def set_up(context: TaskContext, request: CallbackRequest) -> None:
    """Let the context say what has happened."""
    ti = context["ti"]
    ti.dag_run.state, ti.dag_run.end_date = request.run_state, request.run_end_date
    context["reason"] = request.reason
    if not request.of_run:
        ti.state = request.state
        if request.state in ("failed", "up_for_retry"):
            context["exception"] = _exception(request)
    ti.start_date = request.start_date or ti.start_date
    ti.end_date = request.end_date
    if not request.task_id:
        for name in ("ti", "task", "task_instance"):
            del context[name]


def _callbacks(owner: Any, name: str, request: CallbackRequest) -> Any:
    if name == "deadline":
        return _of_deadline(owner, request)
    if not name.startswith("email_on_"):
        return getattr(owner, name, None)
    from tradewind.ports import components

    return components.current().get("notifier", EMAIL_NOTIFIER)(to=owner.email)


def _of_deadline(dag: Any, request: CallbackRequest) -> Call:
    """The callback of a deadline alert, as one that takes the context."""
    from tradewind.authoring.deadline import SyncCallback
    from tradewind.authoring.notifier import BaseNotifier
    from tradewind.runner.settings import load_target

    given = dag.deadlines[request.deadline or 0].callback

    def call(context: MutableMapping[str, Any]) -> None:
        context["deadline"] = {
            "id": request.deadline,
            "name": dag.deadlines[request.deadline or 0].name,
            "deadline_time": request.deadline_at,
        }
        if not isinstance(given, SyncCallback):
            given(context)
            return
        target: Any = given.callback_callable
        if isinstance(target, str):
            module, _, attribute = target.rpartition(".")
            target = load_target(f"{module}:{attribute}")
        if isinstance(target, type) and issubclass(target, BaseNotifier):
            target(**given.kwargs)(context)
            return
        more = {"context": context} if _takes_context(target) and "context" not in given.kwargs else {}
        result = target(**given.kwargs, **more)
        if inspect.isawaitable(result):
            asyncio = importlib.import_module("asyncio")
            asyncio.run(_awaited(result))

    return call


async def _awaited(result: Any) -> Any:
    return await result


def _takes_context(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(one.name == "context" or one.kind is one.VAR_KEYWORD for one in parameters)


def _several(callbacks: Any) -> Iterable[Call]:
    if callbacks is None:
        return ()
    return callbacks if isinstance(callbacks, (list, tuple)) else (callbacks,)


def _exception(request: CallbackRequest) -> BaseException:
    """What the task raised, made again: of its class, or of the nearest base that this process knows. Its message is what
    was kept of it; other attributes are lost with the process that raised it."""
    named, _, message = request.reason.partition(": ")
    if not request.exceptions or named != request.exceptions[0].rpartition(".")[2]:
        message = request.reason
    for name in request.exceptions:
        module, _, attribute = name.rpartition(".")
        kind = getattr(sys.modules.get(module, builtins), attribute, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            error = kind.__new__(kind, message)
            try:
                if message in str(error):
                    return error
            except Exception:  # its __str__ needs what only its __init__ would set
                continue
    return RuntimeError(message)
