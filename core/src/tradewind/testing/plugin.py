"""The pytest plugin: fixtures for tests of DAGs. Every pytest of the environment loads it: it imports only pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tradewind.testing.app import App
    from tradewind.testing.clock import MovableClock
    from tradewind.testing.results import RunResult


@pytest.fixture
def tradewind_app() -> Iterator[App]:
    """A whole Tradewind in this process, for this test alone."""
    from tradewind.testing.app import App

    with App() as app:
        yield app


@pytest.fixture
def tradewind_clock(tradewind_app: App) -> MovableClock:
    """The app's clock; it stands still until the test moves it."""
    return tradewind_app.clock


@pytest.fixture
def run_dag(tradewind_app: App) -> Callable[..., RunResult]:
    """Runs a DAG in the test's app: ``run_dag(dag, fail={"t": 2})``; see :meth:`tradewind.testing.App.run`."""
    return tradewind_app.run
