"""``outlet_events``, ``inlet_events`` and ``triggering_asset_events``: events of assets, as the author's code sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec

from tradewind.authoring.assets import Asset, AssetAlias, AssetRef
from tradewind.errors import NotFound, SerializationError
from tradewind.model.assets import OutletEvent
from tradewind.ports.runtime import Runtime
from tradewind.runner import dates

Key = tuple[str, str, str]
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """An event of an asset that has come about.

    :param source_dag_run: the run whose task made it, with ``run_id``, ``logical_date``, ``data_interval_start``,
        ``data_interval_end`` ...; ``None`` where no task did, or where the run is gone.
    """

    asset: Asset
    extra: dict[str, Any]
    timestamp: datetime
    source_dag_id: str | None
    source_run_id: str | None
    source_task_id: str | None
    source_map_index: int
    source_aliases: list[AssetAlias]
    source_dag_run: Any = field(default=None)

    @property
    def uri(self) -> str:
        """The uri of the asset."""
        return self.asset.uri


class OutletNews:
    """What the task has to say of one of its outlets.

    :ivar extra: kept with the event; plain data.
    """

    def __init__(self, outlet: Asset | AssetAlias | AssetRef) -> None:
        self.outlet = outlet
        self.extra: dict[str, Any] = {}
        self.added: list[OutletEvent] = []

    def add(self, asset: Asset, extra: Mapping[str, Any] | None = None) -> None:
        """Of an alias: this asset was updated."""
        if not isinstance(self.outlet, AssetAlias):
            raise TypeError(
                f"outlet_events[{self.outlet!r}].add() is for an AssetAlias; an asset that is an outlet has .extra."
            )
        if not isinstance(asset, Asset):
            raise TypeError(f"outlet_events[{self.outlet!r}].add() takes an Asset, not {asset!r}.")
        said = {**self.extra, **(extra or {})}
        self.added.append(OutletEvent(name=asset.name, uri=asset.uri, extra=said, alias=self.outlet.name))


class OutletEvents(Mapping[Any, OutletNews]):
    """``outlet_events``: by outlet of the task, what it has to say of it."""

    def __init__(self, outlets: Sequence[Any]) -> None:
        self._news = {
            it.key: OutletNews(it) for it in outlets if isinstance(it, Asset | AssetAlias | AssetRef)
        }

    def __getitem__(self, outlet: Any) -> OutletNews:
        found = _pick(self._news, outlet)
        if found is None:
            raise NotFound(
                "outlet of this task", _shown(outlet), cure=f"Give it to the task: outlets=[{outlet!r}]."
            )
        return found

    def __iter__(self) -> Iterator[Any]:
        return (news.outlet for news in self._news.values())

    def __len__(self) -> int:
        return len(self._news)

    def said(self) -> tuple[OutletEvent, ...]:
        """All that there is to tell.

        :raises SerializationError: naming the outlet whose extra is not plain data.
        """
        found: list[OutletEvent] = []
        for news in self._news.values():
            found += news.added
            if news.extra and not isinstance(news.outlet, AssetAlias):
                name, uri = news.outlet.name, news.outlet.uri
                found.append(OutletEvent(name=name or uri, uri=uri or name, extra=dict(news.extra)))
        for event in found:
            try:
                msgspec.json.encode(event.extra)
            except (TypeError, ValueError) as error:
                raise SerializationError(
                    f"The extra of the event of asset {event.name!r} holds what JSON cannot: {error}. "
                    f"Give text, numbers, booleans, lists and dicts."
                ) from None
        return tuple(found)


class InletEvents(Mapping[Any, list[SourceEvent]]):
    """``inlet_events``: by asset or alias, the events that have come about, oldest first (the newest 1,000 of them)."""

    def __init__(self, inlets: Sequence[Any], runtime: Runtime) -> None:
        self._inlets = {it.key: it for it in inlets if isinstance(it, Asset | AssetAlias | AssetRef)}
        self._runtime = runtime
        self._read: dict[Key, list[SourceEvent]] = {}

    def __getitem__(self, inlet: Any) -> list[SourceEvent]:
        known = _pick(self._inlets, inlet)
        if known is None:
            raise NotFound(
                "inlet of this task", _shown(inlet), cure=f"Give it to the task: inlets=[{inlet!r}]."
            )
        if known.key not in self._read:
            kind, name, uri = known.key
            by = {"alias": name} if kind == "alias" else {"name": name or None, "uri": uri or None}
            found = self._runtime.ask("assets.events", by)
            self._read[known.key] = [_event(it) for it in found]
        return self._read[known.key]

    def for_asset(self, *, name: str | None = None, uri: str | None = None) -> list[SourceEvent]:
        """Those of an asset that is an inlet under this name or uri."""
        if name is not None and uri is not None:
            return self[Asset(name, uri)]
        return self[Asset.ref(name=name, uri=uri)]

    def for_asset_alias(self, *, name: str) -> list[SourceEvent]:
        """Those by way of an alias that is an inlet."""
        return self[AssetAlias(name)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inlets.values())

    def __len__(self) -> int:
        return len(self._inlets)


class TriggeringEvents(dict[Asset | AssetAlias, list[SourceEvent]]):
    """``triggering_asset_events``: by asset, the events that made the run; an alias gives those by way of it."""

    def __missing__(self, key: Any) -> list[SourceEvent]:
        if isinstance(key, AssetAlias):
            return [event for events in self.values() for event in events if key in event.source_aliases]
        if isinstance(key, AssetRef):
            found = [events for asset, events in self.items() if key.spec().names(*_named(asset))]
            return [event for events in found for event in events]
        raise KeyError(key)


def triggering(runtime: Runtime) -> TriggeringEvents:
    """The events that made the run."""
    found = TriggeringEvents()
    for event in map(_event, runtime.ask("assets.triggering", {})):
        found.setdefault(event.asset, []).append(event)
    return found


def _event(row: dict[str, Any]) -> SourceEvent:
    run = row["source_run"]
    return SourceEvent(
        asset=Asset(row["name"], row["uri"]),
        extra=row["extra"],
        timestamp=_moment(row["at"]),
        source_dag_id=row["dag_id"] or None,
        source_run_id=row["run_id"] or None,
        source_task_id=row["task_id"] or None,
        source_map_index=row["map_index"],
        source_aliases=[AssetAlias(alias) for alias in row["aliases"]],
        source_dag_run=SimpleNamespace(**{name: _moment(value) for name, value in run.items()})
        if run
        else None,
    )


def _moment(value: Any) -> Any:
    if isinstance(value, str) and value[:1].isdigit() and "T" in value:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    return dates.to_pendulum(value) if isinstance(value, datetime) else value


def _pick(among: Mapping[Key, _Kept], wanted: Any) -> _Kept | None:
    """By the thing itself; by a reference, or a plain name or uri, where that names one."""
    if isinstance(wanted, Asset | AssetAlias | AssetRef) and wanted.key in among:
        return among[wanted.key]
    for (kind, name, uri), kept in among.items():
        if isinstance(wanted, str) and wanted in (name, uri):
            return kept
        if isinstance(wanted, AssetRef) and kind == "asset" and wanted.spec().names(name, uri):
            return kept
        if (
            isinstance(wanted, Asset)
            and kind in ("name", "uri")
            and (wanted.name == name or wanted.uri == uri)
        ):
            return kept
    return None


def _named(asset: Asset | AssetAlias) -> tuple[str, str]:
    return asset.name, getattr(asset, "uri", "")


def _shown(wanted: Any) -> str:
    return str(getattr(wanted, "name", None) or getattr(wanted, "uri", None) or wanted)
