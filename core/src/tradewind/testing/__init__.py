"""THE KIT that authors of DAGs and plugins test with: DAGs run in this process, in no time, on a clock that is moved.

Nothing is imported before it is used: the pytest plugin (:mod:`tradewind.testing.plugin`) is loaded by every pytest of an
environment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.testing.app import App
    from tradewind.testing.clock import MovableClock
    from tradewind.testing.dag_bag import BagProblem, DagBag
    from tradewind.testing.results import RunResult, TaskResult
    from tradewind.testing.running import run_dag

_HOMES = {
    "App": "tradewind.testing.app",
    "BagProblem": "tradewind.testing.dag_bag",
    "DagBag": "tradewind.testing.dag_bag",
    "MovableClock": "tradewind.testing.clock",
    "RunResult": "tradewind.testing.results",
    "TaskResult": "tradewind.testing.results",
    "run_dag": "tradewind.testing.running",
}

__all__ = ["App", "BagProblem", "DagBag", "MovableClock", "RunResult", "TaskResult", "run_dag"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewind.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
