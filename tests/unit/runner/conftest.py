"""An attempt in this process: a DAG file in a folder, a system that is asked, and what came of it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradewind.errors import NotFound
from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.model.run import DataInterval, RunInfo
from tradewind.model.states import RunType
from tradewind.runner.runner import TaskRunner
from tradewind.runner.settings import RunnerSettings
from tradewind.serialization.values import decode

NOW = datetime(2026, 11, 21, 6, 23, tzinfo=UTC)
FOLDER = "/srv/dags"  #: where people know the DAG folder to be


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class FakeSystem:
    """What an attempt asks: variables, connections and XComs in dicts; every question is kept."""

    variables: dict[str, str] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], list[list[Any]]] = field(default_factory=dict)
    previous: dict[str, Any] | None = None
    pushed: list[XCom] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def push(self, xcom: XCom) -> None:
        self.pushed.append(xcom)

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        self.asked.append(operation)
        match operation:
            case "variable.get":
                return self.variables.get(arguments["key"])
            case "variable.set":
                self.variables[arguments["key"]] = arguments["value"]
                return None
            case "variable.delete":
                return self.variables.pop(arguments["key"], None) is not None
            case "connection.get":
                return self.connections.get(arguments["conn_id"])
            case "xcom.pull":
                return [
                    row for t in arguments["task_ids"] for row in self.xcoms.get((t, arguments["key"]), [])
                ]
            case "run.previous":
                return self.previous
        raise NotFound("operation", operation)


@dataclass
class Result:
    """What came of an attempt."""

    outcome: Outcome
    xcoms: tuple[XCom, ...]
    log: str

    def value(self, key: str = "return_value") -> Any:
        (found,) = (xcom for xcom in self.xcoms if xcom.key == key)
        return decode(found.value)


@pytest.fixture
def system() -> FakeSystem:
    """The system behind the attempt's channel."""
    return FakeSystem()


@pytest.fixture
def imports() -> Iterator[None]:
    """Take what a DAG file brought in out of this process again."""
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("tradewind_dag_") or name == "helper":
            del sys.modules[name]


@pytest.fixture
def loaded(tmp_path: Path, imports: None) -> Callable[..., TaskRunner]:
    """A runner that has imported a DAG file with this body inside ``with DAG("d")``."""

    def load(
        body: str, settings: dict[str, Any] | None = None, dag_arguments: str = "schedule='@daily'"
    ) -> TaskRunner:
        source = "from tradewind import *\nfrom tradewind import DAG, PythonOperator, task\n"
        source += f"with DAG('d', {dag_arguments}) as dag:\n" + textwrap.indent(textwrap.dedent(body), "    ")
        (tmp_path / "pipeline.py").write_text(source)
        runner = TaskRunner(RunnerSettings.read(settings or {}), FixedClock())
        runner.load("d", str(tmp_path), "pipeline.py", FOLDER)
        return runner

    return load


@pytest.fixture
def run(
    loaded: Callable[..., TaskRunner], system: FakeSystem, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run the task ``t`` of a DAG file with this body; further arguments are fields of the order or of its run."""

    def run(
        body: str,
        settings: dict[str, Any] | None = None,
        dag_arguments: str = "schedule='@daily'",
        **fields: Any,
    ) -> Result:
        runner = loaded(body, settings, dag_arguments)
        outcome, xcoms = runner.run(make_order(**fields), system)
        captured = capfd.readouterr()
        return Result(outcome, xcoms, captured.out + captured.err)

    return run


def make_order(**fields: Any) -> Order:
    """An order for task ``t`` of DAG ``d``."""
    start, end = datetime(2024, 6, 3, tzinfo=UTC), datetime(2024, 6, 4, tzinfo=UTC)
    info: dict[str, Any] = {
        "dag_id": "d",
        "run_id": "r",
        "run_type": RunType.SCHEDULED,
        "logical_date": start,
        "data_interval": DataInterval(start, end),
        "run_after": end,
    }
    of_run = {name: fields.pop(name) for name in list(fields) if name in RunInfo.__dataclass_fields__}
    plain: dict[str, Any] = {"attempt_id": "a", "version_id": "v", "task_id": "t", "log_path": "log"}
    return Order(run=RunInfo(**{**info, **of_run}), **{**plain, **fields})


@pytest.fixture
def order() -> Callable[..., Order]:
    """Make an order for task ``t`` of DAG ``d``."""
    return make_order
