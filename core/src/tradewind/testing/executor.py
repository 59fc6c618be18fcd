"""The executor of tests: attempts run in this process, from the DAG object that the test has."""

from __future__ import annotations

import io
import os
from collections import defaultdict, deque
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, ClassVar, Literal

from tradewind.builtin.inline_executor import SESSION, DirectChannel
from tradewind.model.facts import AttemptFinished, AttemptStarted, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.ports.clock import Clock
from tradewind.ports.executor import Executor, ExecutorHost
from tradewind.ports.runtime import RETURN_VALUE
from tradewind.runner.loading import LoadedDag
from tradewind.runner.runner import TaskRunner
from tradewind.runner.settings import RunnerSettings, XComSettings
from tradewind.serialization.values import encode, length_of
from tradewind.testing.injections import Injections

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG

_NO_SPILLING = XComSettings(inline_limit=2**40, limit=2**40)


class LiveExecutor(Executor):
    """Runs attempts one after another; their logs stay in memory, by their path."""

    name: ClassVar[str] = "live"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._runner = TaskRunner(RunnerSettings(xcom=_NO_SPILLING), clock)
        self._host: ExecutorHost | None = None
        self._orders: deque[Order] = deque()
        self.injections: dict[str, Injections] = defaultdict(Injections)  #: by DAG
        self.logs: dict[str, str] = defaultdict(str)

    @property
    def capacity(self) -> int:
        return 1

    @property
    def session(self) -> str:
        return SESSION

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to run."""
        return not self._orders

    def keep(self, dag: DAG) -> None:
        """From now on run this DAG's tasks."""
        folder = os.path.dirname(dag.fileloc)
        self._runner.keep(LoadedDag(dag, folder, folder))

    def start(self, host: ExecutorHost) -> None:
        self._host = host
        host.session_started(SESSION, (), host="", pid=os.getpid(), capacity=1)

    def submit(self, order: Order) -> None:
        assert self._host is not None
        self._orders.append(order)
        self._host.soon(self._run_next)

    def cancel(self, attempt_id: str, reason: str) -> None:
        self._orders = deque(order for order in self._orders if order.attempt_id != attempt_id)

    def stop(self) -> None:
        self._orders.clear()
        self._host = None

    def _run_next(self) -> None:
        if not self._orders or self._host is None:
            return
        order, began = self._orders.popleft(), self._clock.now()
        self._host.report(AttemptStarted(attempt_id=order.attempt_id, at=began), SESSION)
        log = io.StringIO()
        with redirect_stdout(log), redirect_stderr(log):
            outcome, xcoms = self._run(order)
        self.logs[order.log_path] += log.getvalue()
        finished = AttemptFinished(
            attempt_id=order.attempt_id,
            outcome=outcome,
            started_at=began,
            ended_at=self._clock.now(),
            xcoms=xcoms,
        )
        self._host.report(finished, SESSION)

    def _run(self, order: Order) -> tuple[Outcome, tuple[XCom, ...]]:
        assert self._host is not None
        injected = self.injections[order.run.dag_id].outcome(order)
        if injected is None:
            return self._runner.run(order, DirectChannel(self._host, order.attempt_id))
        outcome, value = injected
        if value is None:
            return outcome, ()
        data = encode(value)
        return outcome, (XCom(key=RETURN_VALUE, value=data, size=len(data), length=length_of(value)),)
