"""Mapped tasks, run for real in this process, end as on Airflow and receive what they receive there."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tradewind import DAG, task

sys.path.insert(0, str(Path(__file__).parents[1]))
from inline_world import InlineWorld

FILE = """
import json
import re
from pathlib import Path
from tradewind import DAG, EmptyOperator, PythonOperator, get_current_context, task
from tradewind.errors import FailTask, SkipTask

OUT = Path({out!r})

def note(value):
    ti = get_current_context()["ti"]
    with (OUT / ti.dag_id).open("a") as out:
        out.write(json.dumps(value) + "\\n")

def plain(value):
    return list(value) if hasattr(value, "__len__") and not isinstance(value, (str, dict, list)) else value

@task
def record(x): note(plain(x))
@task
def ident(x): return x
@task
def second(x): return x
@task
def add(x, y, z=0): return f"{{x}}-{{y}}-{{z}}"
@task
def maybe(x):
    if x == "skip": raise SkipTask("asked to")
    if x == "fail": raise FailTask("asked to")
    return x
@task(retries=1, retry_delay=0)
def fl(x):
    if x == 2 and get_current_context()["ti"].try_number == 1: raise ValueError("once")

def returning(value, name="gen"):
    return task(task_id=name)(lambda: value)()

def skip_one(v):
    if v == 1: raise SkipTask("not this one")
    return v

def build(name):
    if name == "list": record(ident.expand(x=[1, 2, 3]))
    if name == "empty":
        found = ident.expand(x=[])
        found >> EmptyOperator(task_id="next")
        record(found)
    if name == "from_task": record(ident.expand(x=returning([3, 1, 2])))
    if name == "from_task_str": record(ident.expand(x=returning("abc")))
    if name == "from_task_dict": record(ident.expand(x=returning({{"a": 1, "b": 2}})))
    if name == "product": record(add.expand(x=[1, 2], y=["a", "b", "c"]))
    if name == "partial_dup": add.partial(x=1).expand(x=[1])
    if name == "zip": record(ident.expand(x=returning([1, 2, 3]).zip(returning(["a", "b"], "g2"))))
    if name == "zip_fill":
        record(ident.expand(x=returning([1, 2, 3]).zip(returning(["a", "b"], "g2"), fillvalue="-")))
    if name == "map": record(ident.expand(x=returning([1, 2]).map(lambda v: v * 2)))
    if name == "map_skip": record(ident.expand(x=returning([1, 2]).map(skip_one)))
    if name == "none_results": record(second.expand(x=ident.expand(x=[1, None, 3])))
    if name == "retry_one": fl.expand(x=[1, 2])
    if name == "classic_kwargs":
        PythonOperator.partial(task_id="p", python_callable=lambda v: note(v)).expand(op_kwargs=[{{"v": 1}}, {{"v": 2}}])
    if name == "max_active": ident.override(max_active_tis_per_dag=1).expand(x=[1, 2])
    if name == "missing_key": record(returning({{"k": 1}})["nokey"])
    if name.startswith("join_"):
        rule, first, other = name.removeprefix("join_").rsplit("_", 2)
        maybe.expand(x=[first, other]) >> PythonOperator(task_id="join", python_callable=int, trigger_rule=rule)

for name in {names!r}:
    with DAG(name, schedule=None):
        build(name)
"""


def case_name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InlineWorld]:
    made = InlineWorld(tmp_path_factory.mktemp("mapping"))
    yield made
    made.close()


@pytest.mark.facts("mapping.json")
def test_it_ends_as_on_airflow(case: dict[str, Any], world: InlineWorld) -> None:
    name, expected = case["name"], case["expect"]
    if "definition_error" in expected:
        _is_refused(name, expected["definition_error"])
        return
    out = world.folder / "out"
    out.mkdir(exist_ok=True)
    world.write(f"{name}.py", FILE.format(out=str(out), names=[name]))

    run = world.run(name)

    recorded = out / name
    lines = recorded.read_text().splitlines() if recorded.exists() else []
    tries = {label: it.try_number for label, it in world.instances(name).items() if it.try_number > 1}
    assert (run.state, world.states(name)) == (expected["run"], expected["tasks"])
    assert [json.loads(line) for line in lines] == expected["recorded"]
    assert tries == expected.get("tries", {})


def _is_refused(name: str, error: str) -> None:
    @task
    def add(x: int, y: int) -> int:
        return x + y

    given = {"expand_unknown": {"nope": [1]}, "expand_nothing": {}}[name]
    kind, _, words = error.partition(": ")
    with (
        DAG("d"),
        pytest.raises(
            {"TypeError": TypeError, "ValueError": ValueError}[kind], match=re.escape(words[:30])
        ) as raised,
    ):
        add.expand(**given)
    assert words.rstrip(".") in str(raised.value)
