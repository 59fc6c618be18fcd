"""A task's context, small enough to see through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradewind.model.outcomes import Outcome


class Told:
    """A running task instance that remembers what it was told."""

    def __init__(self, xcoms: dict[tuple[str, str], Any] | None = None, start_date: Any = None) -> None:
        self.xcoms = xcoms or {}
        self.start_date = start_date
        self.outcome: Outcome | None = None

    def find_xcom(self, task_id: str, key: str, missing: Any) -> Any:
        return self.xcoms.get((task_id, key), missing)

    def decide(self, outcome: Outcome) -> None:
        self.outcome = outcome


@pytest.fixture(name="Told")
def told_class() -> type[Told]:
    return Told


@pytest.fixture
def context() -> Callable[..., dict[str, Any]]:
    def make(told: Told | None = None, **more: Any) -> dict[str, Any]:
        return {"ds": "2024-01-01", "run_id": "r", "ti": told or Told(), **more}

    return make
