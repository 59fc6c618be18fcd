"""The inline executor: runs attempts one after another in the calling process, for tests and debugging."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections import deque
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar, Literal

from tradewind.agent.unpack import unpack
from tradewind.model.facts import AttemptFinished, AttemptStarted, XCom, XComPushed
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed
from tradewind.ports.clock import Clock
from tradewind.ports.executor import Executor, ExecutorHost
from tradewind.ports.runner import Runner

SESSION = "inline"


class InlineExecutor(Executor):
    """Runs attempts in this process: no isolation, no timeouts but the runner's own, breakpoints work.

    :param runner: ``"module:attr"`` of a function that takes ``runner_options`` and returns a runner.
    """

    name: ClassVar[str] = "inline"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(
        self,
        *,
        clock: Clock,
        log_folder: Path,
        cache_folder: Path,
        runner: str = "tradewind.runner.runner:make",
        runner_options: dict[str, Any] | None = None,
    ) -> None:
        self._clock = clock
        self._log_folder = log_folder
        self._cache_folder = cache_folder
        module, _, attribute = runner.partition(":")
        self._runner: Runner = getattr(importlib.import_module(module), attribute)(runner_options or {})
        self._host: ExecutorHost | None = None
        self._orders: deque[Order] = deque()
        self._loaded: set[str] = set()
        self._preloaded = False

    @property
    def capacity(self) -> int:
        return 1

    @property
    def session(self) -> str:
        return SESSION

    def start(self, host: ExecutorHost) -> None:
        self._host = host
        host.session_started(SESSION, (), host="", pid=os.getpid(), capacity=1)

    def submit(self, order: Order) -> None:
        assert self._host is not None
        self._orders.append(order)
        self._host.soon(self._run_next)

    def cancel(self, attempt_id: str, reason: str) -> None:
        """What has not begun is dropped; what runs cannot be ended from here."""
        self._orders = deque(order for order in self._orders if order.attempt_id != attempt_id)

    def stop(self) -> None:
        self._orders.clear()
        self._host = None

    def _run_next(self) -> None:
        if not self._orders or self._host is None:
            return
        order = self._orders.popleft()
        began = self._clock.now()
        started = AttemptStarted(attempt_id=order.attempt_id, at=began, pid=os.getpid())
        self._host.report(started, SESSION)
        with _log(self._log_folder / order.log_path) as log, redirect_stdout(log), redirect_stderr(log):
            outcome, xcoms = self._run(order, log)
        finished = AttemptFinished(
            attempt_id=order.attempt_id,
            outcome=outcome,
            started_at=began,
            ended_at=self._clock.now(),
            xcoms=xcoms,
            pid=os.getpid(),
        )
        self._host.report(finished, SESSION)

    def _run(self, order: Order, log: io.TextIOBase) -> tuple[Any, tuple[XCom, ...]]:
        assert self._host is not None
        if not self._preloaded:
            self._runner.preload()
            self._preloaded = True
        try:
            if order.version_id not in self._loaded:
                bundle = self._host.bundle(order.version_id)
                folder = unpack(bundle, str(self._cache_folder))
                channel = DirectChannel(self._host, "")
                self._runner.load(bundle.dag_id, str(folder), bundle.file, bundle.folder, channel)
                self._loaded.add(order.version_id)
            outcome, xcoms = self._runner.run(order, DirectChannel(self._host, order.attempt_id))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return Failed(f"{type(error).__name__}: {error}"), ()
        log.write(f"[{self._clock.now().isoformat()}] Attempt ended: {type(outcome).__name__.lower()}\n")
        return outcome, xcoms


class DirectChannel:
    """The channel of an attempt that has no process of its own."""

    def __init__(self, host: ExecutorHost, attempt_id: str) -> None:
        self._host = host
        self._attempt_id = attempt_id

    def push(self, xcom: XCom) -> None:
        self._host.report(XComPushed(attempt_id=self._attempt_id, xcom=xcom), SESSION)

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        return self._host.answer(self._attempt_id, operation, arguments)


def _log(path: Path) -> io.TextIOWrapper:
    """The attempt's log, or nowhere, if it cannot be written: the task does not suffer for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a", encoding="utf-8", errors="backslashreplace")
    except OSError:
        return open(os.devnull, "a", encoding="utf-8")
