"""A runner for tests of the agent: a "DAG file" is a Python file, a task one of its functions."""

from __future__ import annotations

import os
import traceback
from typing import Any

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Succeeded
from tradewind.ports.runner import Channel


class TinyRunner:
    def __init__(self) -> None:
        self._code: dict[str, Any] = {}

    def preload(self) -> None:
        pass

    def rehearse(self) -> None:
        pass

    def load(
        self, dag_id: str, folder: str, file: str, original_folder: str, channel: Channel | None = None
    ) -> None:
        path = os.path.join(folder, file)
        self._code = {"__file__": path, "CHANNEL": channel}
        with open(path, encoding="utf-8") as source:
            exec(compile(source.read(), path, "exec"), self._code)

    def run(self, order: Order, channel: Channel) -> tuple[Outcome, tuple[XCom, ...]]:
        try:
            result = self._code[order.task_id](channel, order)
        except Exception as error:
            traceback.print_exc()
            return Failed(f"{type(error).__name__}: {error}"), ()
        if isinstance(result, bytes):
            return Succeeded(), (XCom(key="return_value", value=result, size=len(result)),)
        return Succeeded(), ()

    def on_kill(self) -> None:
        if on_kill := self._code.get("on_kill"):
            on_kill()


def make(options: dict[str, Any]) -> TinyRunner:
    if options.get("broken"):
        raise RuntimeError("this runner is broken")
    return TinyRunner()
