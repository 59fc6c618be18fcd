"""Facts measured on Airflow, found and skipped by name where they are not there; and a task run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from facts import conformance_cases

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType
from tradewind.ports import runtime
from tradewind.runner.attempt import Attempt
from tradewind.runner.loading import LoadedDag
from tradewind.runner.runtime import AttemptRuntime
from tradewind.runner.secrets import Secrets
from tradewind.runner.settings import RunnerSettings
from tradewind.serialization.values import encode


def exempt(case: dict[str, Any]) -> str | None:
    """Why nobody is held to a case: the only reason for which one may be skipped."""
    return "Airflow itself errs here" if case.get("suspect") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Fill the argument ``case``: one test a case of the file that its mark ``facts`` names, or of those that its argument
    ``only``, a function of a case, picks."""
    if "case" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("facts")
    assert mark is not None, "a test that takes a case names its file: @pytest.mark.facts('name.json')"
    file, only = mark.args[0], mark.kwargs.get("only")
    cases = conformance_cases(file)
    if not cases:
        reason = f"conformance/{file} is not there: set TRADEWIND_CONFORMANCE to its folder"
        metafunc.parametrize("case", [pytest.param({}, marks=pytest.mark.skip(reason=reason), id=file)])
        return
    name = getattr(metafunc.module, "case_name", None)
    given = []
    for number, case in enumerate(cases):
        if only is None or only(case):
            reason = exempt(case)
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            given.append(
                pytest.param(case, marks=marks, id=f"{number}-{name(case)}" if name else str(number))
            )
    metafunc.parametrize("case", given)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A case that is there and is skipped all the same has failed."""
    report = yield
    case = getattr(item, "callspec", None) and item.callspec.params.get("case")
    if report.skipped and case and not exempt(case):
        report.outcome = "failed"
        report.longrepr = f"A measured case may not be skipped: {report.longrepr}"
    return report


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2024, 7, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class RecordedXComs:
    """A channel to a system that holds the XComs of the run's earlier tasks."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, bytes]] = []

    def left(self, task_id: str, key: str, value: Any, map_index: int = -1) -> None:
        """A task has left a value."""
        self.rows = [row for row in self.rows if row[:3] != (task_id, key, map_index)]
        self.rows.append((task_id, key, map_index, encode(value)))

    def push(self, xcom: XCom) -> None:
        pass

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        if operation != "xcom.pull" or (arguments["dag_id"], arguments["run_id"]) != ("d", "r"):
            return [] if operation == "xcom.pull" else None
        return [
            [task_id, map_index, value, None]
            for wanted in arguments["task_ids"]
            for task_id, key, map_index, value in self.rows
            if (task_id, key) == (wanted, arguments["key"])
            and (arguments["map_indexes"] is None or map_index in arguments["map_indexes"])
        ]


@pytest.fixture
def channel() -> RecordedXComs:
    """The system as an attempt of run ``r`` of DAG ``d`` sees it."""
    return RecordedXComs()


@pytest.fixture
def run_task(channel: RecordedXComs) -> Callable[..., Outcome]:
    """Run a task of a DAG in this process: ``run_task(dag, task_id, **fields of its RunInfo)``."""

    def run(dag: Any, task_id: str, **fields: Any) -> Outcome:
        moment = FixedClock().now()
        given = {
            "run_type": RunType.MANUAL,
            "logical_date": moment,
            "data_interval": None,
            "run_after": moment,
        }
        info = RunInfo(dag_id="d", run_id="r", **{**given, **fields})
        order = Order(attempt_id="a", version_id="v", run=info, task_id=task_id, log_path="log")
        served_by = AttemptRuntime(channel, Secrets())
        attempt = Attempt(LoadedDag(dag, "", ""), order, served_by, RunnerSettings(), FixedClock())
        with runtime.serve(served_by):
            return attempt.run()[0]

    return run
