"""What is refused while the file is imported, and what a mapped task becomes in the DAG's spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradewind import DAG, EmptyOperator, PythonOperator, task, task_group
from tradewind.errors import ArgumentError, DefinitionError
from tradewind.model.spec import LengthSpec
from tradewind.serialization.specs import decode_spec, encode_spec


@task
def gen() -> list[int]:
    return [1]


@task
def work(x: Any, y: Any = 0) -> Any:
    return x


@task_group
def group(x: Any) -> Any:
    return work(x)


@task_group
def outer(x: Any) -> Any:
    return group.expand(x=x)


@task_group
def mapping(x: Any) -> Any:
    return work.expand(x=[x])


@pytest.mark.parametrize(
    ("write", "kind", "words"),
    [
        (lambda: work.expand(), TypeError, "no arguments to expand against"),
        (lambda: work.expand(nope=[1]), TypeError, "unexpected keyword argument 'nope'"),
        (lambda: work.partial(nope=1), TypeError, "unexpected keyword argument 'nope'"),
        (lambda: work.expand(x=5), ValueError, "unexpected type 'int' for keyword argument 'x'"),
        (lambda: work.expand(x="abc"), ValueError, "unexpected type 'str' for keyword argument 'x'"),
        (lambda: work.expand(x={1, 2}), ValueError, "A set has no order: make it a list"),
        (lambda: work.expand(x=gen()["k"]), ValueError, "Only what a task returns can be mapped over"),
        (lambda: work.expand_kwargs(5), TypeError, "expected a list of dicts"),
        (lambda: work.expand_kwargs([5]), TypeError, "takes a list of dicts, and 5 is none"),
        (lambda: work.partial(y=1)(2), TypeError, "make it a task by expand"),
        (lambda: work.partial(y=1).partial(y=2), TypeError, "gives 'y' twice"),
        (lambda: gen().map(work), TypeError, "map\\(\\) takes a plain function"),
        (lambda: gen().zip([1]), TypeError, "zip\\(\\) takes outputs of tasks, not list"),
        (lambda: gen().concat(), TypeError, "takes one output of a task at least"),
        (lambda: f"{gen().map(str)}", ValueError, "no part of a text"),
        (lambda: outer.expand(x=[1]), ValueError, "cannot be mapped once more"),
        (lambda: mapping.expand(x=[1]), ValueError, "cannot be mapped once more"),
        (lambda: group.expand(nope=[1]), TypeError, "unexpected keyword argument 'nope'"),
        (lambda: group.partial(x=1).expand(x=[1]), TypeError, "both give 'x'"),
        (lambda: PythonOperator.partial(task_id="t", nope=1), TypeError, "'nope'"),
        (
            lambda: PythonOperator.partial(task_id="t").expand(pool=["a"]),
            TypeError,
            "'pool' is the same for all instances",
        ),
        (
            lambda: PythonOperator.partial(task_id="t", op_args=[1]).expand(op_args=[[1]]),
            TypeError,
            "both give the argument 'op_args'",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    write: Callable[[], object], kind: type[Exception], words: str
) -> None:
    with DAG("d"), pytest.raises(kind, match=words) as raised:
        write()
    assert isinstance(raised.value, (DefinitionError, ArgumentError))
    assert __file__ in str(raised.value) or "text" in words or "Only" in words


def test_the_spec_has_lengths_and_what_they_follow_from() -> None:
    with DAG("d") as dag:
        first, second = gen(), gen.override(task_id="second")()
        work.partial(y=second).expand(x=first.map(str).zip(second, fillvalue=0))
        work.expand(x=[1, 2], y=first.concat(second))
        group.expand(x=first)
    spec = dag.spec()
    tasks = {one.task_id: one for one in spec.tasks}
    source = LengthSpec(kind="xcom", task_id="gen")
    other = LengthSpec(kind="xcom", task_id="second")
    assert tasks["work"].mapped == LengthSpec(kind="zip_longest", of=(source, other))
    assert tasks["work__1"].mapped == LengthSpec(
        kind="product", of=(LengthSpec(kind="known", length=2), LengthSpec(kind="concat", of=(source, other)))
    )
    assert [one.mapped for one in spec.groups] == [source]
    assert tasks["gen"].downstream == ("work", "work__1", "group.work")
    assert decode_spec(encode_spec(spec)) == spec


def test_common_arguments_and_defaults_are_those_of_any_operator() -> None:
    with DAG("d", default_args={"retries": 2, "op_args": [1]}) as dag:
        mapped = PythonOperator.partial(task_id="t", python_callable=print, pool="p").expand(op_kwargs=[{}])
        mapped >> EmptyOperator(task_id="after")
    spec = dag.spec().tasks[0]
    assert (spec.operator, spec.retries, spec.pool, spec.downstream) == ("PythonOperator", 2, "p", ("after",))
    assert mapped.unmap({}, 0).op_args == (1,)  # type: ignore[attr-defined]
    assert list(dag.task_dict) == ["t", "after"]


def test_a_task_that_waits_for_itself_is_named_and_so_is_a_circle() -> None:
    with DAG("d") as dag:
        a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
        with pytest.raises(DefinitionError, match="'a' cannot wait for itself: a >> a"):
            a >> a
        a >> b >> a
    with pytest.raises(DefinitionError, match="in a circle: a >> b >> a"):
        dag.spec()


def test_50000_tasks_in_a_chain_become_a_spec_without_recursion() -> None:
    with DAG("d") as dag:
        last = EmptyOperator(task_id="t0")
        for number in range(1, 50_000):
            following = EmptyOperator(task_id=f"t{number}", weight_rule="absolute")
            last.set_downstream(following)
            last = following
    assert len(decode_spec(encode_spec(dag.spec())).tasks) == 50_000
