"""Functions that run in another Python: what goes there, what comes back, and what is said when it does not."""

import os
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from tradewind import DAG, task
from tradewind.errors import DefinitionError, SerializationError, SkipTask, TradewindError
from tradewind.serialization import values
from tradewind_standard import ExternalPythonOperator, PythonVirtualenvOperator, exchange
from tradewind_standard.source import portable_source

VALUES = [
    None,
    True,
    "text ☂",
    1.5,
    2**70,
    [1, [2, "three"]],
    (1, (2, 3)),
    {"a": {"b": [None]}},
    {"$type": "tuple", "value": [1]},
    {1, 2},
    frozenset("a"),
    b"\x00\xff",
    date(2024, 2, 29),
    datetime(2024, 1, 2, 3, 4, 5, 6),
    datetime(2024, 1, 2, tzinfo=UTC),
    datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    timedelta(days=-1, microseconds=5),
    Decimal("1.10"),
    UUID(int=7),
]


def there(function, *args, context=None, **kwargs):
    operator = ExternalPythonOperator(
        task_id="t", python=sys.executable, python_callable=function, op_args=args, op_kwargs=kwargs
    )
    return operator.execute(context or {})


def echo(value):
    return value


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_both_sides_write_and_read_the_same_json(value):
    assert exchange.decode(values.encode(value).decode()) == value
    back = values.decode(exchange.encode(value).encode())
    assert back == value
    assert type(exchange.decode(exchange.encode(value))) is type(value)


def test_arguments_and_result_keep_their_types():
    assert there(echo, {"when": datetime(2024, 1, 2, tzinfo=UTC), "pair": (1, b"x")}) == {
        "when": datetime(2024, 1, 2, tzinfo=UTC),
        "pair": (1, b"x"),
    }


def test_the_function_runs_in_a_process_of_its_own_and_its_output_is_logged(capfd):
    def where(name: str) -> int:
        import os

        print("hello", name)
        return os.getpid()

    assert there(where, name="ann") != os.getpid()
    assert "hello ann" in capfd.readouterr().out


def test_annotations_and_defaults_and_decorators_need_not_be_known_there():
    def same(function):
        return function

    @same
    @same
    def annotated(value: "NoSuchName" = 3) -> "Neither":  # noqa: F821
        """Text
                with a line at the left edge of
        nothing."""
        inner: NoSuchName = value  # noqa: F821
        return inner

    assert there(annotated) == 3


def test_a_failure_shows_the_traceback_with_the_line_where_it_stands():
    def fails():
        raise ValueError("no such city")

    with pytest.raises(TradewindError) as caught:
        there(fails)

    message = str(caught.value)
    assert "fails() failed in the other Python (exit code 1)" in message
    assert "ValueError: no such city" in message
    assert f"line {fails.__code__.co_firstlineno + 1}, in fails" in message


def test_a_result_that_cannot_travel_is_named():
    def returns_a_lock():
        import threading

        return {"a": [threading.Lock()]}

    with pytest.raises(TradewindError, match=r"returns_a_lock\(\).*\$\['a'\]\[0\] is .*lock"):
        there(returns_a_lock)


def test_an_argument_that_cannot_travel_is_named():
    with pytest.raises(SerializationError, match=r"arguments of echo\(\)"):
        there(echo, object())


def test_leaving_the_process_is_no_result():
    def leaves():
        import sys

        sys.exit(0)

    with pytest.raises(TradewindError, match="before it returned"):
        there(leaves)


def test_an_exit_code_may_mean_skip():
    def nothing_to_do():
        import sys

        sys.exit(99)

    operator = ExternalPythonOperator(
        task_id="t", python=sys.executable, python_callable=nothing_to_do, skip_on_exit_code=99
    )
    with pytest.raises(SkipTask):
        operator.execute({})


def test_plain_values_of_the_context_are_filled_in():
    def asks(ds, params, more=1):
        return [ds, params, more]

    assert there(asks, context={"ds": "2024-01-01", "params": {"p": 5}}) == ["2024-01-01", {"p": 5}, 1]


def test_what_lives_in_the_tasks_process_cannot_be_asked_for():
    def asks(ti):
        return ti

    with pytest.raises(DefinitionError, match=r"asks\(\) asks for ti"):
        there(asks, context={"ti": object()})


def test_what_has_no_source_of_its_own_is_refused_where_it_is_defined():
    outer = 5

    def closes_over():
        return outer

    async def waits():
        return 1

    refused = {
        "written with `def`": lambda: 1,
        "uses outer": closes_over,
        "is async": waits,
        "only a function": len,
    }
    for reason, function in refused.items():
        with pytest.raises(DefinitionError, match=reason):
            ExternalPythonOperator(task_id="t", python="python3", python_callable=function)


def test_a_python_that_is_not_there_is_named():
    operator = ExternalPythonOperator(
        task_id="t", python="/no/such/python", python_callable=echo, op_args=[1]
    )
    with pytest.raises(TradewindError, match=r"no interpreter '/no/such/python'"):
        operator.execute({})


def test_the_source_keeps_its_lines():
    source = portable_source(echo)
    assert source.splitlines()[echo.__code__.co_firstlineno - 1] == "def echo(value):"


def test_an_old_python_can_be_the_other_one():
    old = next(
        (found for name in ("python3.8", "python3.9", "python3.10") if (found := _working(name))), None
    )
    if old is None:
        pytest.skip("no Python older than 3.11 on PATH")
    operator = ExternalPythonOperator(task_id="t", python=old, python_callable=echo, op_args=[(1, {2})])
    assert operator.execute({}) == (1, {2})


def test_decorated_functions_make_tasks():
    with DAG("d") as dag:

        @task.external_python(python=sys.executable)
        def double(number: int) -> int:
            return 2 * number

        @task.virtualenv(requirements=["nothing"], retries=2)
        def install():
            return 1

        double(4) >> install()

    assert dag.task_dict["double"].execute({}) == 8
    assert dag.task_dict["install"].retries == 2
    assert dag.task_dict["install"].requirements == ["nothing"]
    assert dag.task_dict["double"].operator_name == "@task.external_python"


def a_wheel(folder: Path) -> Path:
    """A package ``blossom`` with ``petals = 5``, as small as wheels get."""
    path = folder / "blossom-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("blossom.py", "petals = 5\n")
        wheel.writestr(
            "blossom-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: blossom\nVersion: 1.0\n"
        )
        wheel.writestr(
            "blossom-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("blossom-1.0.dist-info/RECORD", "")
    return path


def petals():
    import blossom

    return blossom.petals


@pytest.mark.integration
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_environment_is_made_with_what_the_function_requires(installer, tmp_path, monkeypatch):
    beside = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([beside, os.defpath] if installer == "uv" else [os.defpath]))
    if (shutil.which("uv") is not None) != (installer == "uv"):
        pytest.skip("uv is not where this test needs it")
    operator = PythonVirtualenvOperator(
        task_id="t",
        python_callable=petals,
        requirements=[str(a_wheel(tmp_path))],
        system_site_packages=False,
        pip_install_options=["--no-index"],
        venv_cache_path=tmp_path / "cache",
    )

    assert operator.execute({}) == 5
    made = [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    stamp = (made[0] / "complete").stat().st_mtime_ns
    assert operator.execute({}) == 5
    assert (made[0] / "complete").stat().st_mtime_ns == stamp


@pytest.mark.integration
def test_a_requirement_that_cannot_be_installed_shows_what_the_installer_said(tmp_path):
    operator = PythonVirtualenvOperator(
        task_id="t",
        python_callable=petals,
        requirements=["blossom-that-nobody-made"],
        pip_install_options=["--no-index"],
    )
    with pytest.raises(TradewindError, match=r"could not be made.*(?s:.)*blossom-that-nobody-made"):
        operator.execute({})


def _working(name):
    found = shutil.which(name)
    if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
        return found
    return None
