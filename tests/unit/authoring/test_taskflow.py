"""Functions under decorators become tasks and DAGs, and run with the right arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import pytest

from tradewind import DAG, BaseOperator, EmptyOperator, Param, PythonOperator, XComArg, dag, task
from tradewind.authoring import DecoratedOperator, make_task_decorator
from tradewind.authoring.references import DagParam
from tradewind.errors import ArgumentError, DefinitionError, NotFound, SkipTask
from tradewind.ports import components

MakeContext = Callable[..., dict[str, Any]]


class Result(TypedDict):
    n: int


def as_dict() -> dict[str, int]: ...  # type: ignore[empty-body]
def as_typed_dict() -> Result: ...  # type: ignore[empty-body]
def as_mapping() -> Mapping[str, Any]: ...  # type: ignore[empty-body]
def as_list() -> list[int]: ...  # type: ignore[empty-body]
def as_unknown() -> Unheard: ...  # type: ignore[name-defined]  # noqa: F821
def as_nothing(): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (as_dict, True),
        (as_typed_dict, True),
        (as_mapping, True),
        (as_list, False),
        (as_unknown, False),
        (as_nothing, False),
    ],
)
def test_a_function_that_says_it_returns_a_dict_has_many_outputs(function: Any, expected: bool) -> None:
    with DAG("d"):
        assert task(function)().operator.multiple_outputs is expected
        assert task(multiple_outputs=not expected)(function)().operator.multiple_outputs is not expected


def test_calls_of_one_function_are_tasks_with_numbers() -> None:
    @task
    def work() -> None:
        """What it does."""

    with DAG("d") as made:
        for _ in range(3):
            work()
        work.override(task_id="other", retries=4)()
        work.override(task_id="work")()

    assert made.task_ids == ["work", "work__1", "work__2", "other", "work__3"]
    assert made.get_task("other").retries == 4
    assert made.get_task("work").doc_md == "What it does."


def test_outputs_as_arguments_make_their_task_wait() -> None:
    @task
    def make() -> dict[str, int]:
        return {"n": 1}

    @task
    def use(*values: Any, **named: Any) -> None: ...

    with DAG("d") as made:
        output = make()
        classic = EmptyOperator(task_id="classic")
        use([1, (output["n"], {"deep": classic.output})], named={"again": output})

    use_spec = made.spec().tasks[-1]
    assert use_spec.inputs == (("make", "n"), ("classic", "return_value"), ("make", "return_value"))
    assert made.get_task("use").upstream_task_ids == {"make", "classic"}


def test_outputs_in_template_fields_of_any_operator_count() -> None:
    class Copy(BaseOperator):
        template_fields = ("source",)

        def __init__(self, *, source: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.source = source

    with DAG("d") as made:
        first = EmptyOperator(task_id="first")
        copy = Copy(task_id="copy", source="set later")
        copy.source = {"x": first.output}

    assert made.spec().tasks[0].downstream == ("copy",)
    assert made.spec().tasks[1].inputs == (("first", "return_value"),)


def test_an_output_of_another_dag_is_refused() -> None:
    @task
    def use(value: Any) -> None: ...

    with DAG("one"):
        output = EmptyOperator(task_id="a").output
    with DAG("two"), pytest.raises(DefinitionError, match="from one DAG to another"):
        use(output)


def test_an_output_as_text_is_a_template() -> None:
    with DAG("d"):
        output = EmptyOperator(task_id="a").output

    assert f"n is {output}" == "n is {{ ti.xcom_pull(task_ids='a', key='return_value') }}"
    assert str(output["k"]) == "{{ ti.xcom_pull(task_ids='a', key='k') }}"


def test_an_output_cannot_be_taken_apart_before_it_exists() -> None:
    with DAG("d"):
        output = EmptyOperator(task_id="a").output

    with pytest.raises(TypeError, match="cannot be unpacked"):
        first, second = output
    with pytest.raises(DefinitionError, match="not for item 0"):
        output[0]  # type: ignore[index]
    with pytest.raises(TypeError, match="known only when it has run"):
        list(output)
    with pytest.raises(TypeError, match="known only when it has run"):
        assert "x" in output


def test_an_output_is_pulled_when_the_task_runs(context: MakeContext, Told: type[Any]) -> None:
    with DAG("d"):
        output = EmptyOperator(task_id="a").output
    told = Told({("a", "return_value"): 7, ("a", "none"): None})

    assert output.resolve(context(told)) == 7
    assert output["none"].resolve(context(told)) is None
    assert XComArg(EmptyOperator(task_id="empty")).resolve(context(told)) is None
    with pytest.raises(NotFound, match="multiple_outputs"):
        output["missing"].resolve(context(told))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing a required argument: 'x'"),
        ((1, 2, 3), {}, "too many positional arguments"),
        ((1,), {"z": 3}, "got an unexpected keyword argument 'z'"),
        ((1,), {"x": 3}, "multiple values for argument 'x'"),
    ],
)
def test_a_call_is_refused_as_python_would(args: Any, kwargs: Any, message: str) -> None:
    @task
    def work(x: int, y: int = 0) -> None: ...

    with DAG("d") as made, pytest.raises(TypeError, match=message) as caught:
        work(*args, **kwargs)

    assert str(caught.value).startswith(f"{__file__}:")
    assert made.task_ids == []


def test_a_default_that_the_context_would_replace_is_refused() -> None:
    @task
    def work(ds: str = "2024-01-01") -> None: ...

    with DAG("d"), pytest.raises(ArgumentError, match="write ds=None"):
        work()


def plain(x: int, y: int = 2) -> Any:
    return x, y


def with_context(x: int, ds: str, ti: Any = None) -> Any:
    return x, ds, ti is not None


def with_all(x: int, **everything: Any) -> Any:
    return x, everything["ds"], everything["run_id"]


def with_templates(templates_dict: Any) -> Any:
    return templates_dict


async def asynchronous(x: int) -> Any:
    return x + 1


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (plain, (1,), {}, (1, 2)),
        (plain, (), {"x": 1, "y": 3, "unknown": 4}, (1, 3)),
        (with_context, (1,), {}, (1, "2024-01-01", True)),
        (with_context, (1,), {"ds": "mine"}, (1, "mine", True)),
        (with_all, (1,), {}, (1, "2024-01-01", "r")),
        (with_all, (1,), {"ds": "mine"}, (1, "mine", "r")),
        (with_templates, (), {}, {"q": "sql"}),
        (asynchronous, (1,), {}, 2),
        (max, (1, 5), {}, 5),
    ],
)
def test_a_function_gets_what_it_asks_for(
    function: Any, args: Any, kwargs: Any, expected: Any, context: MakeContext
) -> None:
    operator = PythonOperator(
        task_id="t", python_callable=function, op_args=args, op_kwargs=kwargs, templates_dict={"q": "sql"}
    )

    assert operator.execute(context()) == expected


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [((1,), {"x": 2}, "'x' is given twice"), ((1, "2024"), {}, "'ds', which is filled in from the context")],
)
def test_a_parameter_that_is_given_twice_is_told(
    args: Any, kwargs: Any, message: str, context: MakeContext
) -> None:
    operator = PythonOperator(task_id="t", python_callable=with_context, op_args=args, op_kwargs=kwargs)

    with pytest.raises(ArgumentError, match=message):
        operator.execute(context())


def test_a_decorated_function_runs_with_the_arguments_of_its_call(context: MakeContext) -> None:
    @task.python(task_id="named")
    def work(x: int, ds: str | None = None) -> Any:
        return x, ds

    with DAG("d"):
        operator = work(5).operator

    assert operator.task_id == "named"
    assert operator.execute(context()) == (5, "2024-01-01")


@pytest.mark.parametrize(
    ("decorator", "condition", "skips"),
    [("run_if", True, False), ("run_if", False, True), ("skip_if", True, True), ("skip_if", False, False)],
)
def test_a_condition_decides_right_before_the_task(
    decorator: str, condition: bool, skips: bool, context: MakeContext
) -> None:
    seen: list[str] = []

    @getattr(task, decorator)(lambda given: condition, "not today")
    @task(pre_execute=lambda given: seen.append(given["ds"]))
    def work() -> None: ...

    with DAG("d"):
        operator = work().operator

    if skips:
        with pytest.raises(SkipTask, match="not today"):
            operator.pre_execute(context())
    else:
        operator.pre_execute(context())
    assert seen == ["2024-01-01"]


def test_a_condition_below_the_task_decorator_is_refused() -> None:
    with pytest.raises(ArgumentError, match="goes above @task"):

        @task.run_if(lambda given: True)
        def work() -> None: ...


class Registry:
    """The components of a plugin."""

    def __init__(self, **decorators: Any) -> None:
        self._decorators = decorators

    def get(self, kind: str, name: str) -> Any:
        if name not in self._decorators:
            raise NotFound("task decorator", name, self._decorators)
        return self._decorators[name]

    def names(self, kind: str) -> list[str]:
        return sorted(self._decorators)


class Shell(BaseOperator):
    """As a provider writes it."""

    template_fields = ("command",)

    def __init__(self, *, command: str | None, quiet: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command, self.quiet = command, quiet


class ShellTask(DecoratedOperator, Shell):
    custom_operator_name = "@task.shell"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(kwargs_to_upstream={"command": None}, **kwargs)

    def execute(self, context: Any) -> Any:
        self.command = self.call(context)
        return self.command


def test_plugins_bring_decorators(context: MakeContext) -> None:
    token = components._current.set(Registry(shell=make_task_decorator(ShellTask)))
    try:

        @task.shell(quiet=True, retries=2)
        def list_files(folder: str, ds: str | None = None) -> str:
            return f"ls {folder}/{ds}"

        with DAG("d") as made:
            operator = list_files("/data").operator
        assert operator.execute(context()) == "ls /data/2024-01-01"
        assert (operator.quiet, operator.retries) == (True, 2)
        assert made.spec().tasks[0].operator == "@task.shell"
        assert "shell" in dir(task)
        with pytest.raises(AttributeError, match="Did you mean 'shell'"):
            task.shel
    finally:
        components._current.reset(token)


a_city = Param("Delft", type="string")


def test_a_function_makes_dags(context: MakeContext) -> None:
    @dag(schedule="@daily", tags=["x"], params={"extra": 3})
    def pipeline(city: Any = a_city, days: int = 7) -> None:
        """# What it is for"""

        @task
        def work(city: str, text: str) -> None: ...

        work(city, f"{days} days")

    made = pipeline(days=14)

    assert isinstance(made, DAG)
    assert made.dag_id == "pipeline"
    assert made.doc_md == "# What it is for"
    assert {name: param.default for name, param in made.spec().params.items()} == {
        "extra": 3,
        "city": "Delft",
        "days": 14,
    }
    operator = made.get_task("work")
    assert isinstance(operator, PythonOperator)
    assert isinstance(operator.op_args[0], DagParam)
    assert operator.op_args[0].resolve(context(params={"city": "Utrecht"})) == "Utrecht"
    assert operator.op_args[1] == "{{ params['days'] }} days"
    assert made.place.line == pipeline.function.__code__.co_firstlineno


def test_dags_are_named_by_function_or_argument() -> None:
    def build() -> None: ...

    assert dag(build)().dag_id == "build"
    assert dag("named")(build)().dag_id == "named"
    assert dag(dag_id="named")(build)().dag_id == "named"
    with pytest.raises(ArgumentError, match="takes no argument 'colour'"):
        dag(colour="red")(build)()  # type: ignore[call-arg]


def test_a_dag_function_that_lacks_an_argument_is_refused() -> None:
    @dag
    def pipeline(city: str) -> None: ...

    with pytest.raises(TypeError, match="missing a required argument: 'city'"):
        pipeline()
