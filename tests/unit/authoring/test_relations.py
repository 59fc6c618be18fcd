"""Arrows between tasks, lists, groups, labels and outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind import (
    DAG,
    EmptyOperator,
    Label,
    TaskGroup,
    chain,
    chain_linear,
    cross_downstream,
    task,
    task_group,
)
from tradewind.errors import ArgumentError, CycleError, DefinitionError, NotFound

Arrows = set[tuple[str, str]]


def _tasks(names: str) -> list[EmptyOperator]:
    return [EmptyOperator(task_id=name) for name in names]


def _arrows(dag: DAG) -> Arrows:
    return {(made.task_id, after) for made in dag.spec().tasks for after in made.downstream}


def _pairs(text: str) -> Arrows:
    return {(pair[0], pair[1]) for pair in text.split()}


def _draw(a: Any, b: Any, c: Any, d: Any, name: str) -> None:
    {
        "one after another": lambda: a >> b >> c >> d,
        "backwards": lambda: d << c << b << a,
        "fan": lambda: a >> [b, c] >> d,
        "fan backwards": lambda: d << [b, c] << a,
        "list first": lambda: [a, b] >> c,
        "list first backwards": lambda: [c, d] << a,
        "methods": lambda: (a.set_downstream([b, c]), d.set_upstream([b, c])),
        "chain": lambda: chain(a, [b, c], d),
        "chain of lists": lambda: chain([a, b], [c, d]),
        "chain linear": lambda: chain_linear([a, b], [c, d]),
        "cross": lambda: cross_downstream([a, b], [c, d]),
        "twice": lambda: (a >> b, a >> b),
        "labels": lambda: a >> Label("x") >> [b, c] >> Label("y") >> d,
        "chain with label": lambda: chain(a, Label("x"), [b, c]),
    }[name]()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one after another", "ab bc cd"),
        ("backwards", "ab bc cd"),
        ("fan", "ab ac bd cd"),
        ("fan backwards", "ab ac bd cd"),
        ("list first", "ac bc"),
        ("list first backwards", "ac ad"),
        ("methods", "ab ac bd cd"),
        ("chain", "ab ac bd cd"),
        ("chain of lists", "ac bd"),
        ("chain linear", "ac ad bc bd"),
        ("cross", "ac ad bc bd"),
        ("twice", "ab"),
        ("labels", "ab ac bd cd"),
        ("chain with label", "ab ac"),
    ],
)
def test_arrows_are_drawn(name: str, expected: str) -> None:
    with DAG("d") as dag:
        _draw(*_tasks("abcd"), name)

    assert _arrows(dag) == _pairs(expected)


def test_labels_are_kept_with_their_arrows() -> None:
    with DAG("d") as dag:
        a, b, c = _tasks("abc")
        a >> Label("good") >> [b, c]
        b >> c

    assert set(dag.spec().edge_labels) == {("a", "b", "good"), ("a", "c", "good")}


def test_a_list_after_a_list_is_pythons_type_error() -> None:
    with DAG("d"):
        a, b = _tasks("ab")

    with pytest.raises(TypeError, match="unsupported operand"):
        [a] >> [b]  # type: ignore[operator]


def test_chained_lists_must_be_equally_long() -> None:
    with DAG("d"):
        a, b, c = _tasks("abc")

    with pytest.raises(DefinitionError, match="one has 2 items and the next 1"):
        chain([a, b], [c])


def test_a_task_cannot_wait_for_itself() -> None:
    with DAG("d"):
        (a,) = _tasks("a")

    with pytest.raises(CycleError, match=r"test_relations\.py:\d+: Task 'a' cannot wait for itself: a >> a"):
        a >> a


def test_an_arrow_cannot_leave_its_dag() -> None:
    with DAG("one"):
        (a,) = _tasks("a")
    with DAG("two"):
        (b,) = _tasks("b")

    with pytest.raises(DefinitionError, match=r"'a' \(DAG 'one'\), 'b' \(DAG 'two'\)"):
        a >> b


def test_a_task_without_a_dag_joins_the_one_of_its_neighbour() -> None:
    loose = EmptyOperator(task_id="loose")
    with DAG("d") as dag:
        EmptyOperator(task_id="a") >> loose

    assert dag.task_ids == ["a", "loose"]
    assert loose.dag is dag


def test_tasks_that_all_lack_a_dag_cannot_be_related() -> None:
    with pytest.raises(DefinitionError, match="a, b belong to no DAG yet"):
        EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")


def test_a_function_that_was_not_called_is_told_how() -> None:
    @task
    def work() -> None: ...

    with DAG("d"), pytest.raises(DefinitionError, match=r"Call it first, as in `my_task\(\)`"):
        EmptyOperator(task_id="a") >> work


def test_groups_prefix_nest_and_stand_for_their_edges() -> None:
    with DAG("d") as dag:
        before, after = _tasks("xy")
        with TaskGroup("outer", tooltip="all of it") as outer:
            a, b = _tasks("ab")
            with TaskGroup("inner"):
                (c,) = _tasks("c")
            with TaskGroup("plain", prefix_group_id=False):
                (e,) = _tasks("e")
            a >> [b, c, e]
        before >> outer >> after

    spec = dag.spec()

    assert dag.task_ids == ["x", "y", "outer.a", "outer.b", "outer.inner.c", "e"]
    assert [(group.group_id, group.parent) for group in spec.groups] == [
        ("outer", None),
        ("outer.inner", "outer"),
        ("outer.plain", "outer"),
    ]
    assert {(up, down) for up, down in _arrows(dag) if {up, down} & {"x", "y"}} == {
        ("x", "outer.a"),
        ("outer.b", "y"),
        ("outer.inner.c", "y"),
        ("e", "y"),
    }
    assert [made.group_id for made in spec.tasks] == [
        None,
        None,
        "outer",
        "outer",
        "outer.inner",
        "outer.plain",
    ]


def test_an_arrow_at_a_group_that_is_still_empty_is_drawn_later() -> None:
    with DAG("d") as dag:
        (a,) = _tasks("a")
        group = TaskGroup("g")
        a >> group
        with group:
            first, second = _tasks("bc")
            first >> second

    assert _arrows(dag) == {("a", "g.b"), ("g.b", "g.c")}


def test_a_group_outside_of_a_dag_is_refused() -> None:
    with pytest.raises(DefinitionError, match="is in no DAG"):
        TaskGroup("g")


def test_an_unknown_argument_of_a_group_is_refused() -> None:
    with DAG("d"), pytest.raises(ArgumentError, match="Did you mean 'tooltip'"):
        TaskGroup("g", tooltp="x")  # type: ignore[call-arg]


def test_a_function_makes_groups() -> None:
    @task
    def load(what: str) -> str:
        return what

    @task_group
    def clean(what: str) -> Any:
        """Makes it clean."""
        return load(what)

    @task_group(group_id="other", default_args={"retries": 2})
    def silent() -> None:
        load("x")

    with DAG("d") as dag:
        first = clean("a")
        second = clean(first)
        group = silent()
        third = clean.override(group_id="named")("z")

    assert isinstance(group, TaskGroup)
    assert second.operator.task_id == "clean__1.load"
    assert third.operator.task_id == "named.load"
    assert _arrows(dag) == {("clean.load", "clean__1.load")}
    assert dag.group_dict["clean"].tooltip == "Makes it clean."
    assert dag.get_task("other.load").retries == 2


def test_a_group_function_called_wrongly_says_where() -> None:
    @task_group
    def clean(what: str) -> None: ...

    with (
        DAG("d"),
        pytest.raises(ArgumentError, match=r"test_relations\.py:\d+: @task_group 'clean': missing"),
    ):
        clean()


def test_a_group_can_be_asked_for_what_is_in_it_and_take_tasks_in() -> None:
    with DAG("d") as dag:
        outside = EmptyOperator(task_id="outside")
        with TaskGroup("g") as group:
            inside = EmptyOperator(task_id="inside")
            with TaskGroup("deep") as deep:
                last = EmptyOperator(task_id="last")
            inside >> last
        group.add(outside)

    assert [it.task_id for it in group] == ["g.inside", "g.deep.last", "outside"]
    assert group.get_child_by_label("inside") is inside
    assert group.get_child_by_label("deep") is deep
    assert (group.label, deep.label, dag.task_group.is_root) == ("g", "deep", True)
    assert group.has_task(last)
    assert not deep.has_task(inside)
    assert [it.task_id for it in group.get_leaves()] == ["g.deep.last", "outside"]
    assert dag.spec().tasks[0].group_id == "g"
    with pytest.raises(NotFound, match="insid"):
        group.get_child_by_label("insid")
    with pytest.raises(DefinitionError, match=r"in the group 'g\.deep' already"):
        group.add(last)


def test_relatives_near_and_far() -> None:
    with DAG("d"):
        a, b, c = (EmptyOperator(task_id=name) for name in "abc")
        a >> b >> c
        a >> c

    assert a.get_flat_relative_ids() == {"b", "c"}
    assert c.get_flat_relative_ids(upstream=True) == {"a", "b"}
    assert a.get_direct_relative_ids() == {"b", "c"}
    assert b.get_direct_relative_ids(upstream=True) == {"a"}
