"""What happens around an operator's ``__init__``: default, unknown and missing arguments, registration.

There is no metaclass, so that operators may bring their own: :func:`wrap_constructor` wraps the ``__init__``
of every class when the class is made. Each wrapped ``__init__`` fills in the defaults that its own signature
names; the outermost one also remembers the place, and registers the task when it returns.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradewind.authoring.arguments import TASK_CURES, TaskArguments
from tradewind.authoring.checks import did_you_mean, mapping, unknown_argument
from tradewind.authoring.places import calling_place
from tradewind.authoring.scope import current_dag, current_group
from tradewind.errors import ArgumentError, DefinitionError

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator

TASK_ARGUMENTS = frozenset(TaskArguments.__annotations__)
_NEVER_DEFAULTED = frozenset({"task_id", "default_args", "dag", "task_group", "params"})


@dataclass(frozen=True, slots=True)
class Signature:
    """What an ``__init__`` takes.

    :param names: by keyword.
    :param positional: those that may be given by position too, in order.
    :param open: whether it passes further keywords on.
    """

    names: frozenset[str]
    positional: tuple[str, ...]
    required: tuple[str, ...]
    open: bool

    @classmethod
    def of(cls, init: Callable[..., None]) -> Signature:
        """Read it from the function."""
        parameters = list(inspect.signature(init).parameters.values())[1:]
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        named = [p for p in parameters if p.kind in (*by_position, inspect.Parameter.KEYWORD_ONLY)]
        return cls(
            names=frozenset(p.name for p in named),
            positional=tuple(p.name for p in named if p.kind in by_position),
            required=tuple(p.name for p in named if p.default is p.empty),
            open=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
        )


def wrap_constructor(operator: type[BaseOperator], *, base: bool = False) -> None:
    """Wrap the class's ``__init__``, unless it is one that is wrapped already.

    :param base: it is the root of all operators, which takes the common arguments and nothing else.
    """
    init: Any = operator.__init__
    if getattr(init, "takes", None) is not None:
        return
    takes = Signature.of(init)
    if base:
        takes = Signature(takes.names | TASK_ARGUMENTS, takes.positional, takes.required, open=False)

    @functools.wraps(init)
    def construct(self: BaseOperator, *args: Any, **kwargs: Any) -> None:
        outermost = "place" not in self.__dict__
        if outermost:
            self.place = calling_place()
            _adopt(self, kwargs)
        _prepare(self, takes, args, kwargs)
        init(self, *args, **kwargs)
        if outermost:
            if "task_id" not in self.__dict__:
                raise DefinitionError(
                    f"{type(self).__name__}.__init__ never calls super().__init__(**kwargs): let it do so, "
                    f"and pass on the arguments that it does not know.",
                    str(self.place),
                )
            self.registered()

    construct.takes = takes  # type: ignore[attr-defined]
    operator.__init__ = construct  # type: ignore[method-assign]


def known_arguments(operator: type) -> list[str]:
    """Every argument that some ``__init__`` of the class takes."""
    taken = (getattr(vars(cls).get("__init__"), "takes", None) for cls in operator.__mro__)
    return sorted({name for takes in taken if takes for name in takes.names})


def _adopt(task: BaseOperator, kwargs: dict[str, Any]) -> None:
    """Find the DAG and the group that the task belongs to, and the default arguments that follow."""
    group = kwargs.get("task_group")
    dag = kwargs.get("dag") or (group.dag if group is not None else None) or current_dag()
    if group is None and dag is not None:
        group = current_group(dag)
    task.dag, task.task_group = None, group
    task.intended_dag = dag
    defaults: dict[str, Any] = dict(dag.default_args) if dag is not None else {}
    if group is not None:
        defaults.update(group.default_args)
    if kwargs.get("default_args"):
        defaults.update(mapping(kwargs["default_args"], "default_args"))
    task.defaults = defaults


def _prepare(task: BaseOperator, takes: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = takes.positional[: len(args)]
    for name, value in task.defaults.items():
        if name in takes.names and name not in kwargs and name not in given and name not in _NEVER_DEFAULTED:
            kwargs[name] = value
    if not takes.open and not kwargs.keys() <= takes.names:
        name = min(kwargs.keys() - takes.names)
        # An inner class may say no while an outer one would have taken the argument under another name.
        known = known_arguments(type(task))
        raise unknown_argument(_named(task, kwargs), name, known, task.place, TASK_CURES.get(name, ""))
    if len(given) + len(kwargs) < len(takes.required) or not all(
        n in kwargs or n in given for n in takes.required
    ):
        missing = [name for name in takes.required if name not in kwargs and name not in given]
        raise _missing(task, missing, kwargs)


def _missing(task: BaseOperator, missing: list[str], kwargs: Mapping[str, Any]) -> ArgumentError:
    name = type(task).__name__
    if "task_id" in missing:
        return ArgumentError(
            f'{name} has no task_id. Give it a name: {name}(task_id="...").', str(task.place)
        )
    known = known_arguments(type(task))
    strange = [key for key in kwargs if key not in known and did_you_mean(key, missing)]
    hint = f"did you write {strange[0]!r} for it?" if strange else "give it by keyword, or in default_args."
    listed = ", ".join(repr(argument) for argument in missing)
    return ArgumentError(
        f"{_named(task, kwargs)} needs the argument{'s' if len(missing) > 1 else ''} {listed}: {hint}",
        str(task.place),
    )


def _named(task: BaseOperator, kwargs: Mapping[str, Any]) -> str:
    task_id = kwargs.get("task_id") or task.__dict__.get("task_id")
    return f"{type(task).__name__} {task_id!r}" if task_id else type(task).__name__
