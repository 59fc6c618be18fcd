"""Which updates of assets make a DAG run: the condition of its schedule held against the updates that wait for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from tradewind.model.assets import AssetCondition, AssetSpec


class Update(Protocol):
    """An update of an asset, as far as a condition looks at it."""

    @property
    def name(self) -> str: ...

    @property
    def uri(self) -> str: ...

    @property
    def aliases(self) -> tuple[str, ...]: ...


def mentioned(condition: AssetCondition) -> Iterator[AssetSpec]:
    """Every asset, alias and reference in the condition, in the order in which they were written."""
    if condition.asset is not None:
        yield condition.asset
    for member in condition.members:
        yield from mentioned(member)


def concerns(condition: AssetCondition, update: Update) -> bool:
    """Whether the condition mentions what was updated."""
    return any(spec.names(update.name, update.uri, update.aliases) for spec in mentioned(condition))


def satisfied(condition: AssetCondition, updates: Collection[Update]) -> bool:
    """Whether these updates are all that the condition asks for. A condition about nothing never is."""
    match condition.op:
        case "all":
            return bool(condition.members) and all(satisfied(it, updates) for it in condition.members)
        case "any":
            return any(satisfied(it, updates) for it in condition.members)
    spec = condition.asset
    return spec is not None and any(spec.names(it.name, it.uri, it.aliases) for it in updates)


def missing(condition: AssetCondition, updates: Collection[Update]) -> list[AssetSpec]:
    """The mentioned assets without an update, each once; empty where the condition is satisfied."""
    if satisfied(condition, updates):
        return []
    found = (
        spec
        for spec in mentioned(condition)
        if not any(spec.names(it.name, it.uri, it.aliases) for it in updates)
    )
    return list({(spec.kind, spec.name, spec.uri): spec for spec in found}.values())


def in_words(condition: AssetCondition) -> str:
    """The condition as people would say it: ``a and (b or c)``."""
    if condition.asset is not None:
        return condition.asset.label
    word = " and " if condition.op == "all" else " or "
    return word.join(
        f"({in_words(it)})" if len(it.members) > 1 and it.op != condition.op else in_words(it)
        for it in condition.members
    )
