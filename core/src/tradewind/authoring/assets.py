"""Assets: what tasks make (``outlets``) and read (``inlets``), and what schedules wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradewind.authoring import asset_names
from tradewind.authoring.checks import shown
from tradewind.authoring.places import calling_place
from tradewind.authoring.signals import Trigger
from tradewind.errors import DefinitionError
from tradewind.model.assets import AssetCondition, AssetSpec, WatcherSpec


class BaseAsset:
    """What a DAG can wait for: ``a & b`` waits for both, ``a | b`` for one of them."""

    def condition(self) -> AssetCondition:
        """What a schedule on this waits for."""
        raise NotImplementedError

    def __and__(self, other: Any) -> AssetAll:
        return AssetAll(self, other) if isinstance(other, BaseAsset) else NotImplemented

    def __or__(self, other: Any) -> AssetAny:
        return AssetAny(self, other) if isinstance(other, BaseAsset) else NotImplemented


class _Named(BaseAsset):
    """One asset, or what stands for one or several. Two are equal when they name the same."""

    def spec(self) -> AssetSpec:
        """Its frozen description."""
        raise NotImplementedError

    def condition(self) -> AssetCondition:
        return AssetCondition(asset=self.spec())

    @property
    def key(self) -> tuple[str, str, str]:
        """What it names: kind, name and uri."""
        spec = self.spec()
        return spec.kind, spec.name, spec.uri

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, _Named) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)


class Asset(_Named):
    """A thing that tasks make or change: a file, a table, a model.

    :param name: what people call it; left out, its ``uri``.
    :param uri: where it is; left out, its ``name``. Nothing is ever looked up there.
    :param group: for lists.
    :param extra: what else there is to say of it; plain data.
    :param watchers: what watches it from outside of all DAGs.

    >>> Asset("orders", uri="s3://shop/orders.csv")
    Asset(name='orders', uri='s3://shop/orders.csv')
    """

    def __init__(
        self,
        name: str | None = None,
        uri: Any = None,
        *,
        group: str = "asset",
        extra: Mapping[str, Any] | None = None,
        watchers: Iterable[AssetWatcher] | None = None,
    ) -> None:
        if name is None and uri is None:
            raise DefinitionError("An Asset needs a name or a uri.", str(calling_place()))
        self.uri = asset_names.uri(name if uri is None else uri)
        self.name = asset_names.asset_name(self.uri if name is None else name)
        self.group = asset_names.name(group, "group of an Asset")
        self.extra: dict[str, Any] = dict(extra or {})
        self.watchers = list(watchers or ())
        for watcher in self.watchers:
            if not isinstance(watcher, AssetWatcher):
                raise DefinitionError(
                    f"Asset {self.name!r}: watchers are AssetWatcher(name=..., trigger=...), not {shown(watcher)}.",
                    str(calling_place()),
                )

    @staticmethod
    def ref(*, name: str | None = None, uri: str | None = None) -> AssetRef:
        """An asset that is defined elsewhere, by its name or its uri."""
        return AssetRef(name=name, uri=uri)

    def spec(self) -> AssetSpec:
        return AssetSpec(
            name=self.name,
            uri=self.uri,
            group=self.group,
            extra=dict(self.extra),
            watchers=tuple(watcher.spec() for watcher in self.watchers),
        )

    def __repr__(self) -> str:
        return f"Asset(name={self.name!r}, uri={self.uri!r})"


Dataset = Asset  #: its older name


class AssetRef(_Named):
    """An asset that is defined elsewhere. Made by :meth:`Asset.ref`."""

    def __init__(self, *, name: str | None = None, uri: str | None = None) -> None:
        if (name is None) == (uri is None):
            raise DefinitionError("Asset.ref() takes a name or a uri, one of the two.", str(calling_place()))
        self.name = "" if name is None else asset_names.asset_name(name)
        self.uri = "" if uri is None else asset_names.uri(uri)

    def spec(self) -> AssetSpec:
        return AssetSpec(kind="name", name=self.name) if self.name else AssetSpec(kind="uri", uri=self.uri)

    def __repr__(self) -> str:
        return f"Asset.ref(name={self.name!r})" if self.name else f"Asset.ref(uri={self.uri!r})"


class AssetAlias(_Named):
    """Stands for assets that only the running task knows.

    As an outlet: ``outlet_events[AssetAlias("reports")].add(Asset(f"reports/{ds}.csv"))``. A DAG with
    ``schedule=[AssetAlias("reports")]`` runs when any asset that was ever added to the alias is updated.
    """

    def __init__(self, name: str, *, group: str = "asset") -> None:
        self.name = asset_names.name(name, "name of an AssetAlias")
        self.group = asset_names.name(group, "group of an AssetAlias")

    def spec(self) -> AssetSpec:
        return AssetSpec(kind="alias", name=self.name, group=self.group)

    def __repr__(self) -> str:
        return f"AssetAlias(name={self.name!r})"


class _Several(BaseAsset):
    op: Any = "all"

    def __init__(self, *objects: BaseAsset) -> None:
        for it in objects:
            if not isinstance(it, BaseAsset):
                raise DefinitionError(
                    f"{type(self).__name__} takes assets, not {shown(it)}: write Asset({shown(it)}).",
                    str(calling_place()),
                )
        #: a & b & c is one list of three
        self.objects: list[BaseAsset] = []
        for it in objects:
            self.objects += it.objects if type(it) is type(self) else [it]

    def condition(self) -> AssetCondition:
        return AssetCondition(op=self.op, members=tuple(it.condition() for it in self.objects))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.objects))})"


class AssetAll(_Several):
    """All of them have to be updated."""

    op = "all"


class AssetAny(_Several):
    """One of them has to be updated."""

    op = "any"


class AssetOrTimeSchedule:
    """Runs at the times of a timetable, and besides whenever the assets are updated.

    :param timetable: what ``schedule`` takes beside assets: a timetable, a cron string, a timedelta.
    :param assets: a list of assets, or a condition such as ``a | b``.
    """

    def __init__(self, *, timetable: Any, assets: Any) -> None:
        self.timetable = timetable
        self.assets: BaseAsset = assets if isinstance(assets, BaseAsset) else AssetAll(*assets)

    def condition(self) -> AssetCondition:
        """What it waits for beside the time."""
        return self.assets.condition()


@dataclass(frozen=True, slots=True)
class AssetWatcher:
    """Watches an asset from outside of all DAGs: each event of the trigger becomes an event of the asset.

    :param trigger: made anew in the triggerer, from what its ``serialize()`` returns.
    """

    name: str
    trigger: Trigger

    def __post_init__(self) -> None:
        asset_names.name(self.name, "name of an AssetWatcher")
        if not callable(getattr(self.trigger, "serialize", None)):
            raise DefinitionError(
                f"AssetWatcher {self.name!r}: trigger is a trigger with a serialize() method, not {shown(self.trigger)}.",
                str(calling_place()),
            )

    def spec(self) -> WatcherSpec:
        """Its frozen description."""
        classpath, kwargs = self.trigger.serialize()
        return WatcherSpec(name=self.name, trigger=classpath, kwargs=kwargs)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Yielded by a task: what there is to say of an asset that it updated.

    :param alias: the outlet by way of which it was updated, where the asset itself is none.
    """

    asset: Asset
    extra: dict[str, Any] = field(default_factory=dict)
    alias: AssetAlias | None = None
