"""Setups, teardowns and the blocks between them, as DAG authors write them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tradewind import DAG, EmptyOperator, TaskGroup, setup, task, task_group, teardown
from tradewind.errors import ArgumentError, DefinitionError


def arrows(dag: DAG) -> set[str]:
    return {f"{it.task_id} > {after}" for it in dag.spec().tasks for after in it.downstream}


def marks(dag: DAG) -> dict[str, str]:
    return {
        it.task_id: "setup" if it.is_setup else "teardown" if it.is_teardown else ""
        for it in dag.spec().tasks
    }


def empty(*names: str) -> list[EmptyOperator]:
    return [EmptyOperator(task_id=name) for name in names]


def test_a_teardown_names_its_setups_and_takes_its_rule() -> None:
    with DAG("d") as dag:
        up, work, down = empty("up", "work", "down")
        up >> work >> down.as_teardown(setups=up, on_failure_fail_dagrun=True)

    assert arrows(dag) == {"up > work", "up > down", "work > down"}
    assert marks(dag) == {"up": "setup", "work": "", "down": "teardown"}
    spec = dag.spec().tasks[2]
    assert (spec.trigger_rule, spec.on_failure_fail_dagrun) == ("all_done_setup_success", True)


def test_decorated_functions_become_setups_and_teardowns() -> None:
    with DAG("d") as dag:

        @setup
        def up() -> str:
            return "cluster"

        @setup
        @task(retries=3)
        def other() -> None: ...

        @teardown(on_failure_fail_dagrun=True)
        def down(name: str) -> None: ...

        @task
        def work(name: str) -> None: ...

        name = up()
        other.override(task_id="renamed")() >> work(name) >> down(name)

    assert marks(dag) == {"up": "setup", "renamed": "setup", "work": "", "down": "teardown"}
    assert dag.spec().tasks[1].retries == 3
    assert dag.spec().tasks[3].on_failure_fail_dagrun


@pytest.mark.parametrize("entered", ["both", "setup", "teardown"])
def test_a_block_runs_between_its_setup_and_its_teardown(entered: str) -> None:
    with DAG("d") as dag:
        up, down, outside = empty("up", "down", "outside")
        down.as_teardown(setups=up)
        with {"both": up >> down, "setup": up, "teardown": down}[entered] as scope:
            first, second = empty("first", "second")
            first >> second
            scope.add_task(outside)

    assert arrows(dag) == {
        "up > down",
        "up > first",
        "first > second",
        "second > down",
        "up > outside",
        "outside > down",
    }


def test_blocks_nest() -> None:
    with DAG("d") as dag:
        up, down, inner_up, inner_down = empty("up", "down", "inner_up", "inner_down")
        with down.as_teardown(setups=up), inner_down.as_teardown(setups=inner_up):
            empty("work")

    assert arrows(dag) == {
        "up > down",
        "up > inner_up",
        "inner_up > inner_down",
        "inner_up > work",
        "work > inner_down",
        "inner_down > down",
    }


def test_a_block_that_raises_draws_nothing() -> None:
    with DAG("d") as dag:
        up, down = empty("up", "down")
        with suppress(ZeroDivisionError), down.as_teardown(setups=up):
            empty("work")
            1 / 0
        empty("later")

    assert arrows(dag) == {"up > down"}


def test_what_comes_after_a_group_does_not_wait_for_its_teardowns() -> None:
    with DAG("d") as dag:
        with TaskGroup("g") as group:
            up, work, down = empty("up", "work", "down")
            up >> work >> down.as_teardown(setups=up)
        group >> EmptyOperator(task_id="after")

    assert "g.work > after" in arrows(dag)
    assert "g.down > after" not in arrows(dag)
    assert "g.up > after" not in arrows(dag)


def test_a_group_of_a_setup_and_its_teardown_ends_with_the_setup() -> None:
    with DAG("d") as dag:
        with TaskGroup("g") as group:
            up, down = empty("up", "down")
            down.as_teardown(setups=up)
        group >> EmptyOperator(task_id="after")

    assert arrows(dag) == {"g.up > g.down", "g.up > after"}


def test_setups_are_followed_by_all_success_alone() -> None:
    with DAG("d") as dag:
        up = EmptyOperator(task_id="up").as_setup()
        up >> EmptyOperator(task_id="work", trigger_rule="all_done")

    with pytest.raises(
        DefinitionError, match=r"followed with trigger rule ALL_SUCCESS, but 'work', directly behind"
    ):
        dag.spec()


def test_what_cannot_be_is_refused_by_name() -> None:
    with DAG("d"):
        up, down, plain = empty("up", "down", "plain")
        down.as_teardown(setups=up)
        with pytest.raises(DefinitionError, match="'up' is a setup already"):
            up.as_teardown()
        with pytest.raises(DefinitionError, match="'down' is a teardown already"):
            down.as_setup()
        with pytest.raises(DefinitionError, match="'plain' is neither"), plain:
            pass
        with pytest.raises(ArgumentError, match="of a task group, mark its tasks"):

            @setup
            @task_group
            def group() -> None: ...


def test_a_task_that_is_no_teardown_cannot_fail_the_run_by_itself() -> None:
    with DAG("d") as dag:
        (only,) = empty("only")
        only.on_failure_fail_dagrun = True

    with pytest.raises(DefinitionError, match="only a teardown can have"):
        dag.spec()
