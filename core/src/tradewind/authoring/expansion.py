"""What a task or a task group is mapped over: lists that stand in the file, and outputs of other tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradewind.authoring.checks import did_you_mean, shown
from tradewind.authoring.places import Place
from tradewind.authoring.references import Output, Reference, XComArg, references_in
from tradewind.authoring.views import items_of
from tradewind.errors import ArgumentError, DefinitionError
from tradewind.model.spec import LengthSpec

if TYPE_CHECKING:
    from tradewind.authoring.group import TaskGroup


class Expansion:
    """Gives each instance of a mapped task its arguments."""

    def values(self) -> Iterator[Any]:
        """What is mapped over."""
        raise NotImplementedError

    def length(self) -> LengthSpec:
        """How many instances there are."""
        raise NotImplementedError

    def arguments(self, context: Mapping[str, Any], index: int) -> tuple[dict[str, Any], list[Any]]:
        """The arguments of an instance, and those values among them that must not be taken for templates."""
        raise NotImplementedError

    def sources(self) -> Iterator[XComArg]:
        """The outputs that it follows from how many instances there are."""
        for value in self.values():
            if isinstance(value, Output):
                yield from value.sources()

    def mark_sources(self) -> None:
        """Let the tasks that are mapped over know: what they return is looked at when they return it."""
        for source in self.sources():
            source.operator.mapped_over = True


class Product(Expansion):
    """``expand(x=..., y=...)``: every item of each with every item of the others, the last argument's fastest."""

    def __init__(self, given: Mapping[str, Any], place: Place) -> None:
        if not given:
            raise ArgumentError(
                "no arguments to expand against: name one, as in expand(x=[1, 2]).", str(place)
            )
        for name, value in given.items():
            if isinstance(value, MappedArgument):
                raise DefinitionError(
                    f"expand() is given {name}={value!r}, an argument of a mapped task group; what is mapped cannot be "
                    f"mapped once more. Map the group over all combinations.",
                    str(place),
                )
            if not isinstance(value, (list, tuple, dict, Output)):
                hint = " A set has no order: make it a list." if isinstance(value, (set, frozenset)) else ""
                raise DefinitionError(
                    f"expand() got an unexpected type {type(value).__name__!r} for keyword argument {name!r}: it is "
                    f"mapped over a list, a dict or the output of a task, not {shown(value)}.{hint}",
                    str(place),
                )
        self.given = dict(given)

    def values(self) -> Iterator[Any]:
        return iter(self.given.values())

    def length(self) -> LengthSpec:
        lengths = [_length_of(value) for value in self.given.values()]
        return lengths[0] if len(lengths) == 1 else LengthSpec(kind="product", of=tuple(lengths))

    def arguments(self, context: Mapping[str, Any], index: int) -> tuple[dict[str, Any], list[Any]]:
        lists = {name: _items_of(value, context, name) for name, value in self.given.items()}
        found: dict[str, Any] = {}
        for name in reversed(lists):
            index, at = divmod(index, len(lists[name]))
            found[name] = lists[name][at]
        if index:
            raise IndexError(
                "what it is mapped over has fewer items now than when its instances were made: clear it with what it "
                "is mapped over"
            )
        plain = [found[name] for name, value in self.given.items() if isinstance(value, Output)]
        return {name: found[name] for name in lists}, plain


class Listed(Expansion):
    """``expand_kwargs([...])``: all arguments of an instance in one dict."""

    def __init__(self, given: Any, place: Place) -> None:
        if not isinstance(given, (list, tuple, Output)):
            raise ArgumentError(
                f"expected a list of dicts or the output of a task in expand_kwargs(), not {shown(given)}.",
                str(place),
            )
        for item in () if isinstance(given, Output) else given:
            if not isinstance(item, (Mapping, Reference)):
                raise ArgumentError(
                    f"expand_kwargs() takes a list of dicts, and {shown(item)} is none.", str(place)
                )
        self.given = given

    def values(self) -> Iterator[Any]:
        yield self.given

    def length(self) -> LengthSpec:
        return _length_of(self.given)

    def arguments(self, context: Mapping[str, Any], index: int) -> tuple[dict[str, Any], list[Any]]:
        item = _items_of(self.given, context, "expand_kwargs()")[index]
        if isinstance(item, Reference):
            item = item.resolve(context)
        if not isinstance(item, Mapping) or not all(isinstance(name, str) for name in item):
            raise TypeError(
                f"expand_kwargs() takes a list of dicts whose keys are names of arguments, and item {index} is {shown(item)}"
            )
        return dict(item), [] if isinstance(self.given, (list, tuple)) else list(item.values())


class MappedArgument(Reference):
    """The argument of a mapped task group, as its tasks see it: each instance has its own."""

    def __init__(self, expansion: Expansion, name: str) -> None:
        self.expansion, self.name = expansion, name

    def sources(self) -> Iterator[XComArg]:
        return iter(())  # the group waits for them as a whole

    def resolve(self, context: Mapping[str, Any]) -> Any:
        arguments, _ = self.expansion.arguments(context, context["ti"].map_index)
        if self.name not in arguments:
            raise TypeError(f"expand_kwargs() of the task group gives no {self.name!r} to this instance")
        value = arguments[self.name]
        return value.resolve(context) if isinstance(value, Reference) else value

    def expression(self) -> str:
        raise DefinitionError(
            f"The argument {self.name!r} of a mapped task group is known only when its tasks run: pass it on by itself, "
            f"not as part of a text."
        )

    def describe(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"MappedArgument({self.name!r})"


def references_of(values: Collection[Any]) -> Iterator[XComArg]:
    """The outputs of tasks that are anywhere in these values."""
    for value in values:
        for reference in references_in(value):
            yield from reference.sources()


def check_names(method: str, names: Collection[str], known: Collection[str], place: Place, of: str) -> None:
    """Refuse arguments that there are none of.

    :raises ArgumentError: in Python's words.
    """
    for name in names:
        if name not in known:
            raise ArgumentError(
                f"{method}() got an unexpected keyword argument {name!r}: {of} has none.{did_you_mean(name, known)}",
                str(place),
            )


def refuse_nesting(group: TaskGroup | None, what: str, place: str) -> None:
    """Refuse to map what is in a mapped task group already.

    :raises DefinitionError: naming the group.
    """
    mapped = group.mapped_group if group is not None else None
    if mapped is not None:
        raise DefinitionError(
            f"{what} is in the task group {mapped.group_id!r}, which is mapped itself; what is mapped cannot be mapped "
            f"once more. Map the group over all combinations, or move the task out of it.",
            place,
        )


def _length_of(value: Any) -> LengthSpec:
    return value.length() if isinstance(value, Output) else LengthSpec(kind="known", length=len(value))


def _items_of(value: Any, context: Mapping[str, Any], name: str) -> Sequence[Any]:
    return value.items(context) if isinstance(value, Output) else items_of(value, name)
