"""Which plugins are installed, as their distributions announce them. The one reader of package metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tradewind.plugins.markers import PROJECT


@dataclass(frozen=True, slots=True)
class PluginId:
    """A plugin's name, and the distribution that brings it where that is known."""

    name: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        """``'celery' (tradewind-celery 0.2.1)``."""
        package = f"{self.distribution} {self.version}".strip()
        return f"{self.name!r} ({package})" if package else repr(self.name)


@dataclass(frozen=True, slots=True)
class Announced:
    """A plugin that is installed; ``load`` imports it and may raise whatever its module raises."""

    id: PluginId
    load: Callable[[], object]


def installed() -> list[Announced]:
    """The plugins of the entry-point group, by name; two of one name by their distributions. Imports none of them."""
    import importlib_metadata  # late: a process whose plugins are given to it need not read the metadata

    found = [
        Announced(PluginId(point.name, *_distribution(point)), point.load)
        for point in importlib_metadata.entry_points(group=PROJECT)
    ]
    return sorted(found, key=lambda announced: (announced.id.name, announced.id.distribution))


def _distribution(point: object) -> tuple[str, str]:
    """Name and version of the distribution behind an entry point; empty where its metadata is damaged."""
    distribution = getattr(point, "dist", None)
    try:
        return (distribution.name or "", distribution.version or "") if distribution else ("", "")
    except (
        Exception
    ):  # damaged metadata takes many forms, and none of them may keep the plugin from being listed
        return "", ""
