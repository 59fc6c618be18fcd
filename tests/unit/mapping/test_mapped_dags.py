"""Files with mapped tasks, run for real in this process: what the instances get, and what is left of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tradewind.model.commands import ClearTasks
from tradewind.ports.runtime import XComQuery
from tradewind.serialization.values import decode
from tradewind.store.xcoms import XComRepository

if TYPE_CHECKING:
    from inline_world import InlineWorld

HEAD = """
from tradewind import DAG, EmptyOperator, PythonOperator, task, task_group

@task
def echo(x, y=None): return [x, y]
@task
def listed(values): return [len(values), values[0], values[-1], values[1:], list(values)]
"""


def value(world: InlineWorld, task_id: str, dag_id: str = "d", index: int = -1) -> Any:
    """What a task returned."""
    query = XComQuery(
        dag_id=dag_id, run_id="r", key="return_value", task_ids=(task_id,), map_indexes=(index,)
    )
    (found,) = XComRepository(world.store).find(query)
    return decode(found.value)


def test_a_group_over_a_dict_and_the_lazy_list_behind_it(world: InlineWorld) -> None:
    world.write(
        "d.py",
        HEAD
        + """
with DAG("d"):
    @task
    def gen(): return {"a": 1, "b": 2}
    @task(map_index_template="item {{ ti.map_index }} of {{ ti.task_id }}")
    def pull(first, ti):
        return [first, ti.map_index, ti.xcom_pull(task_ids="g.echo"), ti.xcom_pull(task_ids="g.echo", map_indexes=0)]
    @task_group
    def g(item, y):
        first = echo(item, y)
        first >> EmptyOperator(task_id="nothing")
        return pull(first)
    listed(g.partial(y="!").expand(item=gen()))
""",
    )
    assert world.run("d").state == "success"
    first, second = [["a", 1], "!"], [["b", 2], "!"]
    told = [[list(first[0]), "!"], [list(second[0]), "!"]]
    mine = json.loads(json.dumps([value(world, "g.pull", index=0), value(world, "g.pull", index=1)]))
    assert mine == [[told[0], 0, told, told[0]], [told[1], 1, told, told[0]]]
    found = json.loads(json.dumps(value(world, "listed")))
    assert found == [2, mine[0], mine[1], [mine[1]], mine]
    names = {label: it.name for label, it in world.instances("d").items() if it.name}
    assert names == {"g.pull[0]": "item 0 of g.pull", "g.pull[1]": "item 1 of g.pull"}


def test_templates_are_rendered_where_they_stand_in_the_file_alone(world: InlineWorld) -> None:
    world.write(
        "d.py",
        HEAD
        + """
with DAG("d"):
    @task
    def gen(): return ["{{ ti.map_index }}"]
    echo.partial(y="{{ ti.map_index }}").expand(x=gen())
    echo.override(task_id="literal").expand(x=["{{ ti.map_index }}", "b"])
    echo.override(task_id="kwargs").expand_kwargs([{"x": 1}, {"x": 2, "y": 3}])
    PythonOperator.partial(task_id="classic", python_callable=max, op_kwargs={"default": 7}).expand(
        op_args=[[[1, 2]], [[]]]
    )
""",
    )
    assert world.run("d").state == "success"
    assert value(world, "echo", index=0) == ["{{ ti.map_index }}", "0"]
    assert [value(world, "literal", index=n) for n in (0, 1)] == [["0", None], ["b", None]]
    assert [value(world, "kwargs", index=n) for n in (0, 1)] == [[1, None], [2, 3]]
    assert [value(world, "classic", index=n) for n in (0, 1)] == [2, 7]


def test_what_cannot_be_mapped_over_fails_with_the_reason(world: InlineWorld) -> None:
    world.write(
        "d.py",
        HEAD
        + """
with DAG("d"):
    for name, result in {"nothing": None, "number": 5, "many": [0] * 51}.items():
        made = task(task_id=name)(lambda result=result: result)()
        echo.override(task_id=f"over_{name}").expand(x=made)
    echo.override(task_id="twice").partial(x=1).expand(x=[1])
    echo.override(task_id="unknown").expand_kwargs([{"nope": 1}])
    PythonOperator.partial(task_id="wrong", python_callable=max).expand(op_kwargs=["text"])
""",
    )
    assert world.run("d").state == "failed"
    reasons = {label: it.reason for label, it in world.instances("d").items()}
    assert "it returned nothing" in reasons["nothing"]
    assert "must be a list or a dict, and it is of type int" in reasons["number"]
    assert "51 items; core.max_map_length allows 50" in reasons["many"]
    assert "both give the argument 'x'" in reasons["twice[0]"]
    assert "op_kwargs is a dict" in reasons["wrong[0]"]
    assert world.states("d")["over_many"] == "upstream_failed"


def test_one_instance_is_cleared_and_run_again(world: InlineWorld) -> None:
    world.write("d.py", HEAD + "with DAG('d'):\n    listed(echo.expand(x=[1, 2, 3]))\n")
    world.run("d")
    assert world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("echo[1]",))) is None
    assert world.to_end("d").state == "success"
    assert {label: it.try_number for label, it in world.instances("d").items()} == {
        "echo[0]": 1,
        "echo[1]": 2,
        "echo[2]": 1,
        "listed": 1,
    }
    refused = world.send(ClearTasks(dag_id="d", run_id="r", task_ids=("echo[3]",)))
    assert refused is not None
    assert "echo[3]" in refused
    log = world.folder / "logs" / "d" / "r" / "echo" / "map_index=1"
    assert sorted(path.name for path in log.iterdir()) == ["1.log", "2.log"]
