"""Tasks made by calling a function under ``@task``: operators that know the call's arguments, and the
decorators.

Providers build their own decorators on it::

    class BashTask(DecoratedOperator, BashOperator):
        custom_operator_name = "@task.bash"
        ...

    bash = make_task_decorator(BashTask)
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, Protocol

from tradewind.authoring.checks import mapping
from tradewind.authoring.construction import TASK_ARGUMENTS
from tradewind.authoring.expansion import Expansion, Listed, Product, check_names
from tradewind.authoring.mapped import MappedOperator
from tradewind.authoring.operator import BaseOperator
from tradewind.authoring.places import calling_place
from tradewind.authoring.references import XComArg
from tradewind.authoring.signatures import Parameters, call_in_context, returns_mapping
from tradewind.errors import ArgumentError


class DecoratedOperator(BaseOperator):
    """Base, beside an operator, of what ``@task`` makes: keeps the function and the arguments of the call.

    :param python_callable: the decorated function.
    :param op_args: positional arguments of the call.
    :param op_kwargs: keyword arguments of the call.
    :param kwargs_to_upstream: arguments for the next class, beside the task's own.
    """

    template_fields: Collection[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    templates_dict: Any = None

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        task_id: str,
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        kwargs_to_upstream: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id=_unique_id(self, task_id), **(kwargs_to_upstream or {}), **arguments)
        self.python_callable = python_callable
        self.op_args = tuple(op_args or ())
        self.op_kwargs = mapping(op_kwargs or {}, "op_kwargs")

    def call(self, context: MutableMapping[str, Any]) -> Any:
        """Call the function with the arguments of the call, and with what it names of the context."""
        return call_in_context(
            self.python_callable, self.op_args, self.op_kwargs, context, self.templates_dict
        )


def _unique_id(task: BaseOperator, task_id: str) -> str:
    """A call of the same function makes another task, with a number behind its id."""
    dag, group = task.intended_dag, task.task_group
    if dag is None or not isinstance(task_id, str):
        return task_id
    whole = group.child_id(task_id) if group is not None else task_id
    return task_id + dag.free_id(whole)[len(whole) :]


class TaskFactory:
    """A function under ``@task``: each call makes a task, and stands for its output."""

    def __init__(
        self,
        function: Callable[..., Any],
        operator: type[DecoratedOperator],
        arguments: Mapping[str, Any],
        partial: Mapping[str, Any] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.operator_class = operator
        self.kwargs: dict[str, Any] = dict(arguments)
        self.mark: Callable[[BaseOperator], None] | None = None
        self._partial = dict(partial or {})  # arguments of the function that were given already
        self._parameters = Parameters.of(function)

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg:
        """Make a task of it; the arguments may be outputs of other tasks.

        :raises ArgumentError: a TypeError, where the function could not be called like this.
        """
        if self._partial:
            raise ArgumentError(
                f"@task {self._name!r} was given arguments by partial(): make it a task by expand() or expand_kwargs().",
                str(calling_place()),
            )
        try:
            self._parameters.check_context_defaults()
            self._parameters.check_call(args, kwargs)
        except TypeError as error:
            raise ArgumentError(f"@task {self._name!r}: {error}", str(calling_place())) from None
        task = self.operator_class(
            python_callable=self.function, op_args=args, op_kwargs=kwargs, **self._arguments()
        )
        return self._made(task)

    def partial(self, **kwargs: Any) -> TaskFactory:
        """The same function with these arguments given, the same for all instances; to be followed by :meth:`expand`."""
        self._check("partial", kwargs)
        twice = sorted(kwargs.keys() & self._partial.keys())
        if twice:
            raise ArgumentError(
                f"@task {self._name!r}: partial() gives {twice[0]!r} twice.", str(calling_place())
            )
        factory = TaskFactory(self.function, self.operator_class, self.kwargs, {**self._partial, **kwargs})
        return factory.marked(self.mark)

    def expand(self, **mapped: Any) -> XComArg:
        """A task with an instance for every combination of the items of these lists, dicts and outputs of tasks.

        :raises ArgumentError: a TypeError, where there is nothing to map over, or no such argument.
        """
        expansion = Product(mapped, calling_place())
        self._check("expand", mapped)
        return self._expanded(expansion)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> XComArg:
        """A task with an instance for every dict of the list, which holds its arguments."""
        return self._expanded(Listed(kwargs, calling_place()))

    def _expanded(self, expansion: Expansion) -> XComArg:
        arguments = self._arguments()
        own = {
            name: arguments.pop(name) for name in list(arguments) if name not in TASK_ARGUMENTS | {"task_id"}
        }
        own |= {"python_callable": self.function, "op_kwargs": self._partial}
        return self._made(
            MappedOperator(
                operator_class=self.operator_class,
                own=own,
                expansion=expansion,
                into="op_kwargs",
                unique=True,
                **arguments,
            )
        )

    def _made(self, task: BaseOperator) -> XComArg:
        if self.mark is not None:
            self.mark(task)
        return XComArg(task)

    @property
    def _name(self) -> str:
        return self.kwargs.get("task_id") or str(self.function.__name__)

    def _arguments(self) -> dict[str, Any]:
        """The arguments of the operator, beside function and call."""
        arguments = {"multiple_outputs": self.multiple_outputs, **self.kwargs, "task_id": self._name}
        if self.function.__doc__ and "doc_md" not in arguments:
            arguments["doc_md"] = inspect.cleandoc(self.function.__doc__)
        return arguments

    def _check(self, method: str, names: Mapping[str, Any]) -> None:
        if self._parameters.signature is not None and not self._parameters.open:
            check_names(method, names, self._parameters.named, calling_place(), f"@task {self._name!r}")

    @functools.cached_property
    def multiple_outputs(self) -> bool:
        """Whether each item of the dict that it returns becomes an XCom of its own."""
        return returns_mapping(self.function)

    def override(self, **arguments: Any) -> TaskFactory:
        """The same function with other arguments for its task: ``f.override(task_id="g", retries=3)(x)``."""
        factory = TaskFactory(self.function, self.operator_class, {**self.kwargs, **arguments}, self._partial)
        return factory.marked(self.mark)

    def marked(self, mark: Callable[[BaseOperator], None] | None) -> TaskFactory:
        """The same function, whose tasks ``mark`` makes setups or teardowns."""
        factory = copy.copy(self)
        factory.mark = mark
        return factory


class TaskDecorator(Protocol):
    """What ``@task`` and ``@task.name`` are: to be put before a function, with or without arguments."""

    def __call__(self, python_callable: Callable[..., Any] | None = None, **arguments: Any) -> Any:
        """A :class:`TaskFactory`, or what makes one of a function."""
        ...


def make_task_decorator(operator: type[DecoratedOperator]) -> TaskDecorator:
    """The decorator whose functions become tasks of that operator."""

    def decorate(python_callable: Callable[..., Any] | None = None, **arguments: Any) -> Any:
        return task_decorator_factory(python_callable, decorated_operator_class=operator, **arguments)

    return decorate


def task_decorator_factory(
    python_callable: Callable[..., Any] | None = None,
    *,
    decorated_operator_class: type[DecoratedOperator],
    multiple_outputs: bool | None = None,
    **arguments: Any,
) -> Any:
    """Decorate a function, or, without one, give the decorator that will."""
    if multiple_outputs is not None:
        arguments["multiple_outputs"] = multiple_outputs

    def decorate(function: Callable[..., Any]) -> TaskFactory:
        if not callable(function) or isinstance(function, (TaskFactory, BaseOperator)):
            raise ArgumentError(
                f"@task goes before a function, not {type(function).__name__}; its arguments go by keyword, "
                f'as in @task(task_id="name").',
                str(calling_place()),
            )
        return TaskFactory(function, decorated_operator_class, arguments)

    return decorate if python_callable is None else decorate(python_callable)
