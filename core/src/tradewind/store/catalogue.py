"""Which assets there are: what the present versions of all DAGs say, and what has events."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradewind.errors import NotFound, Refused
from tradewind.logic.assets import mentioned
from tradewind.model.assets import AssetSpec
from tradewind.store.assets import AssetRepository
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store


@dataclass(slots=True)
class KnownAsset:
    """An asset or an alias, and who has to do with it.

    :param producers: (dag_id, task_id) of the tasks that update it.
    :param readers: (dag_id, task_id) of the tasks that read it.
    :param consumers: the DAGs that wait for it.
    """

    spec: AssetSpec
    producers: list[tuple[str, str]] = field(default_factory=list)
    readers: list[tuple[str, str]] = field(default_factory=list)
    consumers: list[str] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether any DAG says something of it."""
        return bool(self.producers or self.readers or self.consumers)


class AssetCatalogue:
    """Lists assets. Only DAGs whose stored spec says something of assets are read."""

    def __init__(self, store: Store) -> None:
        self._assets = AssetRepository(store)
        self._dags = DagRepository(store)

    def all(self) -> list[KnownAsset]:
        """All assets and aliases by name; those too that only have events."""
        found: dict[tuple[str, str, str], KnownAsset] = {}

        def known(spec: AssetSpec) -> KnownAsset:
            return found.setdefault((spec.name, spec.uri, spec.kind), KnownAsset(spec))

        for dag_id, version_id in self._assets.versions_with_assets():
            spec = self._dags.load_version(version_id).spec
            for task in spec.tasks:
                for outlet in task.outlets:
                    known(outlet).producers.append((dag_id, task.task_id))
                for inlet in task.inlets:
                    known(inlet).readers.append((dag_id, task.task_id))
            for waited in mentioned(spec.asset_schedule) if spec.asset_schedule is not None else ():
                if dag_id not in known(waited).consumers:
                    known(waited).consumers.append(dag_id)
        for name, uri in self._assets.updated():
            known(AssetSpec(name=name, uri=uri))
        _settle_references(found)
        return [found[key] for key in sorted(found)]

    def named(self, name: str) -> AssetSpec | None:
        """The asset of this name, or else of this uri, as a DAG defines it; ``None`` where none does."""
        assets = [it for it in self.all() if it.spec.kind == "asset"]
        return next((it.spec for it in assets if name in (it.spec.name, it.spec.uri)), None)

    def get(self, name: str) -> KnownAsset:
        """The asset or alias of this name, or else of this uri.

        :raises NotFound: naming close matches.
        :raises Refused: where several have the name.
        """
        everything = self.all()
        for attribute in ("name", "uri"):
            same = [it for it in everything if name and getattr(it.spec, attribute) == name]
            if len(same) > 1:
                shown = ", ".join(it.spec.uri or "an alias" for it in same)
                raise Refused(
                    f"Several assets are named {name!r}: {shown}. Name the one you mean by its uri."
                )
            if same:
                return same[0]
        names = [it.spec.name for it in everything]
        raise NotFound("asset", name, names, cure="`tradewind assets list` lists them.")


def _settle_references(found: dict[tuple[str, str, str], KnownAsset]) -> None:
    """What refers to an asset by its name or uri counts for that asset, where a DAG defines it."""
    assets = [it for it in found.values() if it.spec.kind == "asset"]
    for key, reference in list(found.items()):
        if reference.spec.kind not in ("name", "uri"):
            continue
        meant = [it for it in assets if reference.spec.names(it.spec.name, it.spec.uri)]
        for asset in meant:
            asset.producers += reference.producers
            asset.readers += reference.readers
            asset.consumers += [it for it in reference.consumers if it not in asset.consumers]
        if meant:
            del found[key]
