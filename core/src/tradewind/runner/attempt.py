"""One attempt: the task is rendered and executed, its result pushed, its outcome told; or callbacks are called."""

from __future__ import annotations

import copy
import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from tradewind.errors import NotFound, SerializationError, TaskSignal, TaskTimeout
from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Skipped, Succeeded
from tradewind.ports.clock import Clock
from tradewind.ports.runtime import RETURN_VALUE
from tradewind.runner import mapped
from tradewind.runner.accessors import Macros
from tradewind.runner.callbacks import call_all, run_request
from tradewind.runner.context import TaskContext
from tradewind.runner.loading import LoadedDag
from tradewind.runner.runtime import AttemptRuntime
from tradewind.runner.settings import RunnerSettings
from tradewind.runner.task_instance import TaskInstance
from tradewind.runner.time_limit import time_limit
from tradewind.runner.tracebacks import class_names, reason_of, user_traceback
from tradewind.runner.verdicts import judged, outcome_of_error
from tradewind.runner.xcoms import XComs

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator

log = logging.getLogger("tradewind.task")


class Attempt:
    """Runs the task of one order.

    :param task: the running copy of the operator, once there is one.
    """

    def __init__(
        self, loaded: LoadedDag, order: Order, runtime: AttemptRuntime, settings: RunnerSettings, clock: Clock
    ) -> None:
        self.task: BaseOperator | None = None
        self._loaded = loaded
        self._order = order
        self._runtime = runtime
        self._settings = settings
        self._clock = clock
        self._xcoms = XComs(order, runtime, settings)

    def run(self) -> tuple[Outcome, tuple[XCom, ...]]:
        """Run the task to its outcome."""
        try:
            context = self._prepare()
        except NotFound as error:
            log.error("%s", error)
            return Failed(reason_of(error), class_names(error)), ()
        if self._order.callback is not None:
            request = self._order.callback
            if request.map_index >= 0:
                mapped.become_instance_if_it_can(self, context)
            owner = self._loaded.dag if request.of_run else self.task
            return run_request(request, context, owner, self._order.timeout, self._shown), ()
        return self._run_task(context)

    def _prepare(self) -> TaskContext:
        order, dag = self._order, self._loaded.dag
        # A copy, since rendering writes into the task and the DAG may be used again in this process.
        task = self.task = copy.copy(dag.get_task(order.task_id)) if order.task_id else _no_task()
        ti = TaskInstance(task, order, self._xcoms, order.since or self._clock.now(), self._settings.base_url)
        macros = Macros(self._settings.macros)
        context = TaskContext(dag, ti, order.run, self._runtime, self._clock, macros)
        self._runtime.begin(order, context)
        return context

    def _run_task(self, context: TaskContext) -> tuple[Outcome, tuple[XCom, ...]]:
        ti: TaskInstance = context["ti"]
        xcoms: tuple[XCom, ...] = ()
        try:
            with time_limit(self._time_left()):
                if self._order.map_index >= 0:
                    mapped.become_instance(self, context)
                result = self._execute(context)
                xcoms = self._results(result)
            outcome = ti.decided or Succeeded()
        except BaseException as error:  # whatever user code raises is an outcome, SystemExit and Ctrl-C too
            outcome = self._ended_by(error, context)
        if self._order.map_index >= 0:
            xcoms += mapped.name_of_instance(context)
        return outcome, xcoms

    def _time_left(self) -> float | None:
        """Seconds of the ``execution_timeout``, of which a task that goes on after a wait has used some already."""
        order = self._order
        if order.timeout is None or order.resume is None or order.since is None:
            return order.timeout
        return max(order.timeout - (self._clock.now() - order.since).total_seconds(), 0.001)

    def _execute(self, context: TaskContext) -> Any:
        task, resume = context["task"], self._order.resume
        task.render_template_fields(context)
        call_all("on_execute_callback", task.on_execute_callback, context, self._shown)
        if resume is not None:
            return importlib.import_module("tradewind.runner.deferring").resume(task, resume, context)
        task.pre_execute(context)
        result = task.execute(context)
        task.post_execute(context, result)
        return result

    def _results(self, result: Any) -> tuple[XCom, ...]:
        """The XComs that a result becomes."""
        task = self.task
        if task is not None and task.mapped_over and self._order.map_index < 0:
            mapped.check_mapped_over(task, result, self._settings.max_map_length)
        if result is None or task is None or not task.do_xcom_push:
            return ()
        parts: dict[str, Any] = {}
        if task.multiple_outputs:
            if not isinstance(result, dict) or not all(isinstance(key, str) for key in result):
                raise SerializationError(
                    f"Task {task.task_id!r} has multiple_outputs, so it must return a dict whose keys are text, but it "
                    f"returned {_described(result)}: return one, or take multiple_outputs away."
                )
            parts = result
        made = [self._xcoms.make(key, value) for key, value in {**parts, RETURN_VALUE: result}.items()]
        for xcom in made:
            self._runtime.remember(xcom)
        return tuple(made)

    def _ended_by(self, error: BaseException, context: TaskContext) -> Outcome:
        outcome = outcome_of_error(error)
        if isinstance(outcome, Skipped):
            log.info("The task skips itself: %s", outcome.reason)
            return outcome
        if isinstance(error, TaskSignal) and not isinstance(outcome, Failed):
            log.info("The task gives its slot back: it %s", error)
        if isinstance(outcome, Failed):
            sys.stdout.flush()
            print(self._shown(error), file=sys.stderr, end="", flush=True)
            if isinstance(error, TaskTimeout):
                self.on_kill()
            assert self.task is not None
            outcome = judged(self.task, error, outcome, self._order, context)
        return outcome

    def on_kill(self) -> None:
        """Let the operator clean up; what that raises goes to the log."""
        if self.task is None:
            return
        try:
            self.task.on_kill()
        except Exception as error:
            log.error("on_kill() raised:\n%s", self._shown(error).rstrip("\n"))

    def _shown(self, error: BaseException) -> str:
        return user_traceback(error, self._loaded.folder, self._loaded.original_folder)


def _no_task() -> BaseOperator:
    """Stands for the task of a run that has none."""
    from tradewind.authoring.operator import BaseOperator

    return BaseOperator(task_id="none")


def _described(result: Any) -> str:
    if not isinstance(result, dict):
        return f"a {type(result).__name__}"
    key = next(key for key in result if not isinstance(key, str))
    return f"one with the key {key!r} of type {type(key).__name__}"
