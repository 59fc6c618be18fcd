"""Values that exist only when a task runs, as arguments: outputs of other tasks, parameters of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

from tradewind.authoring.relations import Node, Related
from tradewind.errors import DefinitionError, NotFound

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator
    from tradewind.authoring.setups import Scope

RETURN_VALUE = "return_value"  #: the XCom key of what ``execute`` returns

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

    def __str__(self) -> str:
        return "{{ " + self.expression() + " }}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise DefinitionError(
                f"{self} is known only when the task runs, so it cannot be formatted as {spec!r} here."
            )
        return str(self)


class XComArg(Reference, Node):
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

    @property
    def leaves(self) -> list[BaseOperator]:
        return [self.operator]

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
        value = context["ti"].find_xcom(self.operator.task_id, self.key, _MISSING)
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
