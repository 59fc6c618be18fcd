"""Assets: what tasks make and other DAGs wait for, and the events that tell of it. Plain data, as a spec holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

#: an asset, by name and uri; an alias, which stands for assets that are named at run time; an asset known by one of the two
AssetKind = Literal["asset", "alias", "name", "uri"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherSpec:
    """What watches an asset from outside of all DAGs: a trigger whose events become events of the asset.

    :param trigger: ``package.module.Class`` of the trigger, made again from ``kwargs``.
    """

    name: str
    trigger: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The asset that a watcher watches, and the watcher's name."""

    name: str
    uri: str
    watcher: str

    @property
    def label(self) -> str:
        """How people know the watcher."""
        return f"the watcher {self.watcher!r} of asset {self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSpec:
    """An asset, or what stands for assets. Name and uri together identify an asset; an alias has a name alone."""

    kind: AssetKind = "asset"
    name: str = ""
    uri: str = ""
    group: str = "asset"
    extra: dict[str, Any] = field(default_factory=dict)
    watchers: tuple[WatcherSpec, ...] = ()

    def names(self, name: str, uri: str, aliases: frozenset[str] | tuple[str, ...] = ()) -> bool:
        """Whether it stands for the asset of this name and uri, which was updated by way of these aliases."""
        match self.kind:
            case "asset":
                return self.name == name and self.uri == uri
            case "alias":
                return self.name in aliases
            case "name":
                return self.name == name
        return self.uri == uri

    @property
    def label(self) -> str:
        """How people know it."""
        return f"alias {self.name}" if self.kind == "alias" else self.name or self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCondition:
    """Which assets have to be updated before a DAG runs: one (``is``), all or any of ``members``."""

    op: Literal["is", "all", "any"] = "is"
    asset: AssetSpec | None = None
    members: tuple[AssetCondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletEvent:
    """What a task says of an asset that it updated.

    :param alias: of the task's outlets the alias by way of which it was updated; empty: the asset is an outlet itself.
    """

    name: str
    uri: str
    extra: dict[str, Any] = field(default_factory=dict)
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetEvent:
    """An asset was updated: by a task instance, or, where ``dag_id`` is empty, by somebody outside of all DAGs.

    :param aliases: by way of which it was updated.
    """

    id: str
    name: str
    uri: str
    at: datetime
    extra: dict[str, Any] = field(default_factory=dict)
    dag_id: str = ""
    run_id: str = ""
    task_id: str = ""
    map_index: int = -1
    actor: str = ""
    aliases: tuple[str, ...] = ()
