"""``@task`` with its variants, and ``@dag``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, MutableMapping
from typing import Any, Unpack, cast, overload

from tradewind.authoring import conditions
from tradewind.authoring.arguments import DagArguments
from tradewind.authoring.dag import DAG
from tradewind.authoring.decorated import DecoratedOperator, TaskDecorator, TaskFactory, make_task_decorator
from tradewind.authoring.operators.branch import follow_branch
from tradewind.authoring.operators.python import PythonOperator
from tradewind.authoring.operators.short_circuit import ShortCircuitOperator
from tradewind.authoring.places import Place, calling_place
from tradewind.authoring.references import DagParam
from tradewind.errors import ArgumentError, NotFound
from tradewind.ports import components


class PythonTask(DecoratedOperator, PythonOperator):
    """What ``@task`` makes."""

    custom_operator_name = "@task"

    def __init__(self, **arguments: Any) -> None:
        passed_on = {name: arguments.get(name) for name in ("python_callable", "op_args", "op_kwargs")}
        super().__init__(kwargs_to_upstream=passed_on, **arguments)


class BranchTask(PythonTask):
    """What ``@task.branch`` makes."""

    chooses = True

    custom_operator_name = "@task.branch"

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        return follow_branch(self, context, self.call(context))


class ShortCircuitTask(PythonTask, ShortCircuitOperator):
    """What ``@task.short_circuit`` makes."""

    custom_operator_name = "@task.short_circuit"


class TaskDecorators:
    """``@task``: makes a function's calls tasks. Further decorators are its attributes; plugins bring more.

    >>> @task
    ... def double(number):
    ...     return 2 * number
    """

    python: TaskDecorator = staticmethod(make_task_decorator(PythonTask))
    branch: TaskDecorator = staticmethod(make_task_decorator(BranchTask))
    short_circuit: TaskDecorator = staticmethod(make_task_decorator(ShortCircuitTask))
    run_if = staticmethod(conditions.run_if)
    skip_if = staticmethod(conditions.skip_if)

    @overload
    def __call__(self, python_callable: Callable[..., Any], /) -> TaskFactory: ...

    @overload
    def __call__(self, **arguments: Any) -> Callable[[Callable[..., Any]], TaskFactory]: ...

    def __call__(self, python_callable: Callable[..., Any] | None = None, **arguments: Any) -> Any:
        return self.python(python_callable, **arguments)

    def __getattr__(self, name: str) -> TaskDecorator:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            found: TaskDecorator = components.current().get("task_decorator", name)
        except NotFound as error:
            raise AttributeError(f"@task.{name}: {error}") from None
        return found

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *components.current().names("task_decorator")})


task = TaskDecorators()


class DagFactory:
    """A function under ``@dag``: each call makes a DAG by running the function inside it."""

    def __init__(self, function: Callable[..., Any], dag_id: str | None, arguments: DagArguments) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._dag_id = dag_id
        self._arguments = arguments
        code = getattr(function, "__code__", None)
        self._place = Place(code.co_filename, code.co_firstlineno) if code is not None else calling_place()

    def __call__(self, *args: Any, **kwargs: Any) -> DAG:
        """The DAG; the function's parameters become its params, and are given references to their values."""
        name = self._dag_id or self.function.__name__
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(
                f"@dag {name!r}: {error}; give it in the call, or give the parameter a default.",
                str(calling_place()),
            ) from None
        bound.apply_defaults()
        arguments: DagArguments = {**self._arguments}
        if self.function.__doc__:
            arguments.setdefault("doc_md", inspect.cleandoc(self.function.__doc__))
        with DAG(name, **arguments) as made:
            made.place = self._place
            for parameter, value in bound.arguments.items():
                made.params[parameter] = value
            self.function(**{parameter: DagParam(parameter) for parameter in bound.arguments})
        return made


@overload
def dag(function: Callable[..., Any], /) -> DagFactory: ...


@overload
def dag(
    dag_id: str | None = None, /, **arguments: Unpack[DagArguments]
) -> Callable[[Callable[..., Any]], DagFactory]: ...


def dag(given: Any = None, /, **arguments: Any) -> Any:
    """Make DAGs from a function whose body makes the tasks: ``@dag`` or ``@dag(schedule="@daily")``.

    Each call of the function makes a DAG.
    """
    dag_id = arguments.pop("dag_id", None)
    if callable(given):
        return DagFactory(given, dag_id, {})
    return lambda function: DagFactory(function, given or dag_id, cast(DagArguments, arguments))
