from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scheduler"))

from world import World

from tradewind.cli.main import main
from tradewind.model.outcomes import Failed
from tradewind.model.spec import TaskSpec


@dataclass(frozen=True)
class Said:
    """What a command line wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Tradewind = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, the one that command lines use."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("TRADEWIND_HOME", str(folder))
    for name in ("TRADEWIND_DEBUG", "TRADEWIND__CORE__DAGS_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def tradewind(home: Path, capsys: pytest.CaptureFixture[str]) -> Tradewind:
    """Runs a command line."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main([*arguments])
        written = capsys.readouterr()
        return Said(code, written.out, written.err)

    return run


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    """A scheduler in the test's hand, over the database of that home."""
    made = World(home)
    yield made
    made.scheduler.close()
    made.store.close()


UMBRELLA = (
    TaskSpec(task_id="fetch", downstream=("clean",), operator="PythonOperator"),
    TaskSpec(task_id="clean", downstream=("join",), operator="PythonOperator"),
    TaskSpec(task_id="sales", downstream=("join",), operator="PythonOperator"),
    TaskSpec(task_id="join", downstream=("train",), operator="PythonOperator"),
    TaskSpec(task_id="train", operator="PythonOperator"),
)


@pytest.fixture
def failed_run(world: World) -> World:
    """The DAG ``umbrella`` with the run ``r``, which failed in ``clean``; no scheduler runs."""
    world.add_dag(*UMBRELLA, dag_id="umbrella")
    world.start()
    world.trigger("umbrella")
    world.executor.end("fetch")
    world.executor.end("sales")
    world.settle()
    world.executor.end("clean", Failed("ValueError: no such city"))
    world.settle()
    return world
