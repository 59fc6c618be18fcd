"""Lists that are made when they are looked at: what references to outputs of tasks stand for at run time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, overload


class View(Sequence[Any]):
    """A read-only list whose items are made one by one. As the output of a task it is kept as a list."""

    kept_as_list = True

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def item(self, index: int) -> Any:
        """The item at ``index``, from 0 to below the length."""

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        length = len(self)
        if isinstance(index, slice):
            return [self.item(at) for at in range(*index.indices(length))]
        at = index + length if index < 0 else index
        if not 0 <= at < length:
            raise IndexError(f"there is no item {index} among {length}")
        return self.item(at)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} items>"


class Calls(View):
    """Each item of a list, passed to a function."""

    def __init__(self, items: Sequence[Any], function: Callable[[Any], Any]) -> None:
        self._items, self._function = items, function

    def __len__(self) -> int:
        return len(self._items)

    def item(self, index: int) -> Any:
        return self._function(self._items[index])


class Tuples(View):
    """The items of several lists at the same place, as a tuple.

    :param fill: stands where a list is too short; without it the shortest list gives the length.
    """

    def __init__(self, lists: Sequence[Sequence[Any]], fill: tuple[Any, ...] = ()) -> None:
        self._lists, self._fill = lists, fill
        self._length = (max if fill else min)(len(items) for items in lists)

    def __len__(self) -> int:
        return self._length

    def item(self, index: int) -> Any:
        return tuple(items[index] if index < len(items) else self._fill[0] for items in self._lists)


class Chain(View):
    """Several lists, one behind the other."""

    def __init__(self, lists: Sequence[Sequence[Any]]) -> None:
        self._lists = lists

    def __len__(self) -> int:
        return sum(len(items) for items in self._lists)

    def item(self, index: int) -> Any:
        for items in self._lists:
            if index < len(items):
                return items[index]
            index -= len(items)
        raise IndexError(index)


def items_of(value: Any, what: str) -> Sequence[Any]:
    """What a task that is mapped over ``value`` gets, one an instance: of a dict its ``(key, value)`` pairs.

    :raises TypeError: where it cannot be mapped over.
    """
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple, View)):
        return value
    raise TypeError(f"{what} is of type {type(value).__name__}; only a list or a dict can be mapped over")
