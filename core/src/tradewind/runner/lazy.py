"""What the instances of a mapped task left, as a list whose values are fetched when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tradewind.authoring.views import View
from tradewind.ports.runtime import XComQuery
from tradewind.runner.xcoms import XComs

PAGE = 500  #: values that are fetched at once when all are gone through


class LazyXComs(View):
    """In the order of map index; instances that left nothing are left out.

    :param query: what of which task.
    """

    def __init__(self, xcoms: XComs, query: XComQuery) -> None:
        self._xcoms, self._query = xcoms, query
        self._length: int | None = None

    def __len__(self) -> int:
        if self._length is None:
            self._length = self._xcoms.count(self._query)
        return self._length

    def item(self, index: int) -> Any:
        return self._page(index, 1)[0]

    def __iter__(self) -> Iterator[Any]:
        start = 0
        while page := self._page(start, PAGE):
            yield from page
            if len(page) < PAGE:
                return
            start += PAGE

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice) and index.step in (None, 1):
            start, stop, _ = index.indices(len(self))
            return self._page(start, stop - start) if stop > start else []
        return super().__getitem__(index)

    def _page(self, skip: int, limit: int) -> list[Any]:
        found = self._xcoms.pull(replace(self._query, skip=skip, limit=limit))
        return [value for _, _, value in found]
