"""Values that exist only when a task runs, as arguments: outputs of other tasks, parameters of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self

from tradewind.authoring.places import calling_place
from tradewind.authoring.relations import Node, Related
from tradewind.authoring.views import Calls, Chain, Tuples, items_of
from tradewind.errors import ArgumentError, DefinitionError, NotFound
from tradewind.model.spec import LengthSpec
from tradewind.ports.runtime import RETURN_VALUE

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator
    from tradewind.authoring.setups import Scope


_MISSING = object()


class Reference:
    """Stands for a value that :meth:`resolve` finds when the task runs; as text it is a Jinja expression."""

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The value.

        :param context: the running task's context.
        """
        raise NotImplementedError

    def expression(self) -> str:
        """The Jinja expression, without its braces."""
        raise NotImplementedError

    def sources(self) -> Iterator[XComArg]:
        """The outputs of tasks that the value is made of."""
        return iter(())

    def describe(self) -> str:
        """For messages."""
        return str(self)

    def __str__(self) -> str:
        return "{{ " + self.expression() + " }}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise DefinitionError(
                f"{self} is known only when the task runs, so it cannot be formatted as {spec!r} here."
            )
        return str(self)


class Output(Reference, Node):
    """A list that one task or several have made, which others may be mapped over."""

    @property
    def roots(self) -> list[BaseOperator]:
        return list(dict.fromkeys(source.operator for source in self.sources()))

    @property
    def leaves(self) -> list[BaseOperator]:
        return self.roots

    def items(self, context: Mapping[str, Any]) -> Sequence[Any]:
        """Its items, when the task runs: what each instance of a task that is mapped over it gets."""
        raise NotImplementedError

    def length(self) -> LengthSpec:
        """How many items there will be."""
        raise NotImplementedError

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return self.items(context)

    def expression(self) -> str:
        raise DefinitionError(f"{self!r} can be an argument of a task, but no part of a text.")

    def describe(self) -> str:
        return repr(self)

    def map(self, f: Callable[[Any], Any]) -> MapOutput:
        """Each item passed to ``f``, which is called when the task that gets the item runs; to leave an item out, let it
        raise ``SkipTask``.
        """
        if not callable(f) or isinstance(f, Node) or hasattr(f, "operator_class"):
            raise ArgumentError(
                f"map() takes a plain function, not {type(f).__name__}: a function under @task cannot run inside another "
                f"task.",
                str(calling_place()),
            )
        return MapOutput(self, f)

    def zip(self, *others: Output, fillvalue: Any = _MISSING) -> ZipOutput:
        """Tuples of the items at the same place; up to the shortest list, or, with ``fillvalue``, to the longest."""
        return ZipOutput((self, *_outputs("zip", others)), () if fillvalue is _MISSING else (fillvalue,))

    def concat(self, *others: Output) -> ConcatOutput:
        """The items of this list, then those of the others."""
        return ConcatOutput((self, *_outputs("concat", others)))


class XComArg(Output):
    """The output of a task, as an argument of another: makes that one wait for it.

    ``output["key"]`` stands for another XCom of the same task, such as one of its ``multiple_outputs``.
    """

    def __init__(self, operator: BaseOperator, key: str = RETURN_VALUE) -> None:
        self.operator = operator
        self.key = key

    @property
    def dag(self) -> DAG | None:
        """The DAG of the task."""
        return self.operator.dag

    @property
    def roots(self) -> list[BaseOperator]:
        return [self.operator]

    def sources(self) -> Iterator[XComArg]:
        yield self

    def as_setup(self) -> Self:
        """Make the task a setup."""
        self.operator.as_setup()
        return self

    def as_teardown(
        self, *, setups: Related | None = None, on_failure_fail_dagrun: bool | None = None
    ) -> Self:
        """Make the task a teardown of ``setups``."""
        self.operator.as_teardown(setups=setups, on_failure_fail_dagrun=on_failure_fail_dagrun)
        return self

    def __enter__(self) -> Scope:
        return self.operator.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        self.operator.__exit__(kind, *raised)

    def resolve(self, context: Mapping[str, Any]) -> Any:
        task, ti = self.operator, context["ti"]
        if task.domain is None:
            value = ti.find_xcom(task.task_id, self.key, _MISSING)
        elif task.domain is context["task"].domain:
            value = ti.find_xcom(task.task_id, self.key, _MISSING, ti.map_index)
        else:
            return ti.lazy_xcoms(task.task_id, self.key)
        if value is not _MISSING:
            return value
        if self.key == RETURN_VALUE:
            return None
        raise NotFound(
            "XCom",
            self.key,
            cure=f"Task {self.operator.task_id!r} pushed nothing under that key: let it return a dict and "
            f"declare multiple_outputs=True, or push the key itself.",
        )

    def items(self, context: Mapping[str, Any]) -> Sequence[Any]:
        return items_of(self.resolve(context), f"What task {self.operator.task_id!r} returned")

    def length(self) -> LengthSpec:
        if self.key != RETURN_VALUE:
            raise DefinitionError(
                f"Only what a task returns can be mapped over, not what it pushes under another key ({self.key!r}): "
                f"let {self.operator.task_id!r} return the list, or map over what another task makes of it."
            )
        return LengthSpec(kind="xcom", task_id=self.operator.task_id)

    def describe(self) -> str:
        return str(self)

    def expression(self) -> str:
        return f"ti.xcom_pull(task_ids={self.operator.task_id!r}, key={self.key!r})"

    def __getitem__(self, key: str) -> XComArg:
        if not isinstance(key, str):
            raise DefinitionError(
                f"The output of task {self.operator.task_id!r} is known only when it has run; "
                f"here it can be asked for XComs by their key (text), not for item {key!r}."
            )
        return XComArg(self.operator, key)

    def __iter__(self) -> NoReturn:
        raise TypeError(
            f"The output of task {self.operator.task_id!r} is known only when it has run, so it cannot be "
            f'unpacked or looped over here. Return a dict with multiple_outputs=True, and use output["key"].'
        )

    def __contains__(self, item: object) -> bool:
        self.__iter__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XComArg) and (self.operator is other.operator and self.key == other.key)

    def __hash__(self) -> int:
        return hash((id(self.operator), self.key))

    def __repr__(self) -> str:
        return f"XComArg({self.operator.task_id!r}, {self.key!r})"


class MapOutput(Output):
    """``output.map(f)``."""

    def __init__(self, output: Output, function: Callable[[Any], Any]) -> None:
        self.output, self.function = output, function

    def sources(self) -> Iterator[XComArg]:
        return self.output.sources()

    def items(self, context: Mapping[str, Any]) -> Sequence[Any]:
        return Calls(self.output.items(context), self.function)

    def length(self) -> LengthSpec:
        return self.output.length()

    def __repr__(self) -> str:
        return f"{self.output!r}.map({getattr(self.function, '__name__', '...')})"


class ZipOutput(Output):
    """``output.zip(other, ...)``."""

    def __init__(self, outputs: tuple[Output, ...], fill: tuple[Any, ...]) -> None:
        self.outputs, self.fill = outputs, fill

    def sources(self) -> Iterator[XComArg]:
        return (source for output in self.outputs for source in output.sources())

    def items(self, context: Mapping[str, Any]) -> Sequence[Any]:
        return Tuples([output.items(context) for output in self.outputs], self.fill)

    def length(self) -> LengthSpec:
        kind: Any = "zip_longest" if self.fill else "zip"
        return LengthSpec(kind=kind, of=tuple(output.length() for output in self.outputs))

    def __repr__(self) -> str:
        return f"zip({', '.join(map(repr, self.outputs))})"


class ConcatOutput(Output):
    """``output.concat(other, ...)``."""

    def __init__(self, outputs: tuple[Output, ...]) -> None:
        self.outputs = outputs

    def sources(self) -> Iterator[XComArg]:
        return (source for output in self.outputs for source in output.sources())

    def items(self, context: Mapping[str, Any]) -> Sequence[Any]:
        return Chain([output.items(context) for output in self.outputs])

    def length(self) -> LengthSpec:
        return LengthSpec(kind="concat", of=tuple(output.length() for output in self.outputs))

    def __repr__(self) -> str:
        return f"concat({', '.join(map(repr, self.outputs))})"


def _outputs(method: str, given: tuple[Any, ...]) -> tuple[Output, ...]:
    for one in given:
        if not isinstance(one, Output):
            raise ArgumentError(
                f"{method}() takes outputs of tasks, not {type(one).__name__}.", str(calling_place())
            )
    if not given:
        raise ArgumentError(f"{method}() takes one output of a task at least.", str(calling_place()))
    return given


class DagParam(Reference):
    """A parameter of the run, as it was passed to a function under ``@dag``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return context["params"][self.name]

    def expression(self) -> str:
        return f"params[{self.name!r}]"

    def __repr__(self) -> str:
        return f"DagParam({self.name!r})"


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference inside a value: itself, or nested in lists, tuples, sets and dicts."""
    pending, seen = [value], set[int]()
    while pending:
        item = pending.pop()
        if isinstance(item, Reference):
            yield item
        elif isinstance(item, (list, tuple, set, frozenset, dict)) and id(item) not in seen:
            seen.add(id(item))
            pending.extend(reversed(list(item.values() if isinstance(item, dict) else item)))
