"""Which DAGs wait for which assets: what an update of an asset is told to."""

from __future__ import annotations

from collections.abc import Iterable

from tradewind.logic.assets import mentioned
from tradewind.model.assets import AssetCondition

Key = tuple[str, str, str]  #: kind, name, uri of an :class:`tradewind.model.assets.AssetSpec`


class Subscribers:
    """An index of the assets that the schedules of DAGs mention.

    :ivar aliases: by (name, uri): the aliases by way of which the asset was ever updated; they stand for it from then on.
    :ivar complete: whether all DAGs are in it.
    """

    def __init__(self) -> None:
        self.aliases: dict[tuple[str, str], set[str]] = {}
        self.complete = False
        self._by_dag: dict[str, AssetCondition] = {}
        self._by_asset: dict[Key, dict[str, None]] = {}

    def put(self, dag_id: str, condition: AssetCondition | None) -> None:
        """The DAG waits for these assets from now on; ``None``: for none."""
        before = self._by_dag.get(dag_id)
        if before == condition:
            return
        if before is not None:
            del self._by_dag[dag_id]
            for key in _keys(before):
                self._by_asset.get(key, {}).pop(dag_id, None)
        if condition is not None:
            self._by_dag[dag_id] = condition
            for key in _keys(condition):
                self._by_asset.setdefault(key, {})[dag_id] = None

    def known_aliases(
        self, name: str, uri: str, new: Iterable[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All aliases that stand for the asset, ``new`` ones included; and those that did not before."""
        known = self.aliases.get((name, uri), set())
        added = tuple(sorted(set(new) - known))
        return tuple(sorted(known.union(added))), added

    def remember(self, name: str, uri: str, aliases: Iterable[str]) -> None:
        """These aliases stand for the asset from now on."""
        self.aliases.setdefault((name, uri), set()).update(aliases)

    def of(self, name: str, uri: str, aliases: Iterable[str]) -> list[str]:
        """The DAGs that wait for the asset, or for one of the aliases; each once, in the order of their ids."""
        keys: list[Key] = [("asset", name, uri), ("name", name, ""), ("uri", "", uri)]
        keys += [("alias", alias, "") for alias in aliases]
        return sorted({dag_id for key in keys for dag_id in self._by_asset.get(key, ())})


def _keys(condition: AssetCondition) -> set[Key]:
    return {
        (
            spec.kind,
            "" if spec.kind == "uri" else spec.name,
            spec.uri if spec.kind in ("asset", "uri") else "",
        )
        for spec in mentioned(condition)
    }
