"""Answers to questions about assets."""

from __future__ import annotations

from typing import Any

import msgspec

from tradewind.errors import Refused
from tradewind.store.assets import AssetRepository, EventWithRun
from tradewind.store.catalogue import AssetCatalogue
from tradewind.store.engine import Store

MOST = 1000  #: events that one answer has; the newest ones


class AssetAnswers:
    """Answers from the store."""

    def __init__(self, store: Store) -> None:
        self._assets = AssetRepository(store)
        self._catalogue = AssetCatalogue(store)

    def answer(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Of any asset: its events, oldest first, or how its DAG defines it.

        :raises Refused: where there is no such question.
        """
        match operation:
            case "assets.events":
                names = ("name", "uri", "alias")
                found = self._assets.events(**{it: arguments.get(it) for it in names}, limit=MOST)
                return [_plain(it) for it in reversed(found)]
            case "assets.find":
                known = self._catalogue.named(arguments["name"])
                fields = ("name", "uri", "group", "extra")
                return None if known is None else {it: getattr(known, it) for it in fields}
        raise Refused(f"No answer to {operation!r}.")

    def triggering(self, run_pk: int) -> Any:
        """The events that made a run."""
        return [_plain(it) for it in self._assets.events_of_run(run_pk)]


def _plain(found: EventWithRun) -> dict[str, Any]:
    event: dict[str, Any] = msgspec.to_builtins(found.event)
    return {**event, "source_run": msgspec.to_builtins(found.source_run)}
