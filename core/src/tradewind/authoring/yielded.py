"""What the author's function yields: news of the assets that it updated."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from typing import Any

from tradewind.authoring.assets import Metadata

log = logging.getLogger("tradewind.task")


def drain(generator: Generator[Any, None, Any], context: Mapping[str, Any]) -> Any:
    """Run the function to its end, and keep each :class:`Metadata` that it yields; what it returns."""
    while True:
        try:
            item = next(generator)
        except StopIteration as end:
            return end.value
        if not isinstance(item, Metadata):
            log.warning(
                "The task yielded a %s, which means nothing: yield Metadata(asset, extra).",
                type(item).__name__,
            )
        elif item.alias is not None:
            context["outlet_events"][item.alias].add(item.asset, extra=item.extra)
        else:
            context["outlet_events"][item.asset].extra.update(item.extra)
