"""From an unpacked version to its DAG, and what is wrong where that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.errors import ConfigError, ImportTimeError
from tradewind.model.outcomes import Failed, Succeeded
from tradewind.runner.runner import TaskRunner
from tradewind.runner.settings import RunnerSettings


@pytest.fixture
def load(tmp_path: Path, imports: None) -> Callable[..., TaskRunner]:
    """Load DAG ``d`` from a file with this source in a folder with these other files."""

    def load(source: str, channel: Any = None, **files: str) -> TaskRunner:
        for name, text in {"pipeline": source, **files}.items():
            (tmp_path / f"{name}.py").write_text(text)
        runner = TaskRunner(RunnerSettings(), None)  # type: ignore[arg-type]
        runner.load("d", str(tmp_path), "pipeline.py", "/srv/dags", channel)
        return runner

    return load


def test_helpers_beside_the_file_can_be_imported(load: Any) -> None:
    load(
        "import helper\nfrom tradewind import DAG\ndag = DAG(helper.NAME, schedule=None)", helper="NAME = 'd'"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "x = 1\nraise ValueError('bad')",
            r"^/srv/dags/pipeline.py:2: the file of DAG 'd' .*: ValueError: bad\n",
        ),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError: invalid syntax"),
        (
            "",
            "DAG 'd' is not in the file /srv/dags/pipeline.py when it is imported to run a task; it has no DAG at all",
        ),
        ("from tradewind import DAG\nDAG('e', schedule=None)\ndag = DAG('f', schedule=None)", "it has f"),
        ("import nothing_like_this", "No module named 'nothing_like_this'"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(load: Any, source: str, message: str) -> None:
    with pytest.raises(ImportTimeError, match=message) as caught:
        load(source)
    assert "tradewind/runner" not in str(caught.value)


def test_variables_are_there_while_the_file_is_imported(load: Any, system: Any) -> None:
    system.variables["name"] = "d"
    load("from tradewind import DAG, Variable\ndag = DAG(Variable.get('name'), schedule=None)", system)


def test_an_attempt_of_a_dag_that_was_not_loaded_fails(system: Any, order: Any) -> None:
    outcome, _ = TaskRunner(RunnerSettings(), None).run(order(), system)  # type: ignore[arg-type]
    assert outcome == Failed("DAG 'd' was not loaded in this process before its task was run")


def test_options_that_are_not_known_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="no option inline_limt; it has backend, backends, inline_limit, limit"
    ):
        RunnerSettings.read({"xcom": {"inline_limt": 3}})


def test_a_signal_lets_the_operator_clean_up(loaded: Any, system: Any, order: Any, capfd: Any) -> None:
    body = """
    class Killed(BaseOperator):
        def execute(self, context): context["system"].runner.on_kill()
        def on_kill(self): print("cleaned up"); raise ValueError("twice")
    Killed(task_id="t", pre_execute=lambda c: c.update(system=c["dag"].user_defined_macros["system"]))
    """
    runner = loaded(body, dag_arguments="schedule=None, user_defined_macros={}")
    runner._loaded["d"].dag.user_defined_macros["system"] = system
    system.runner = runner
    outcome, _ = runner.run(order(), system)
    captured = capfd.readouterr()
    assert outcome == Succeeded()
    assert captured.out == "cleaned up\n"
    assert "on_kill() raised:" in captured.err
