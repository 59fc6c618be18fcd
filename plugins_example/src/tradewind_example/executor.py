"""An executor at its smallest."""

from __future__ import annotations

from typing import ClassVar, Literal

from tradewind.model.order import Order
from tradewind.ports.executor import Executor, ExecutorHost


class CalmExecutor(Executor):
    """Has no room for anything, so that whatever is given to it waits for better weather."""

    name: ClassVar[str] = "calm"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def start(self, host: ExecutorHost) -> None:
        self.host = host

    @property
    def capacity(self) -> int:
        return 0

    def submit(self, order: Order) -> None:
        raise NotImplementedError("nothing is submitted to an executor without capacity")

    def cancel(self, attempt_id: str, reason: str) -> None:
        pass

    def stop(self) -> None:
        pass
