"""What a runner is told at its start: plain values, so that they travel with the agent's options."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tradewind.errors import ConfigError

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class XComSettings:
    """How XComs are kept.

    :param inline_limit: bytes; a larger value goes to the backend.
    :param limit: bytes; a still larger one fails the task.
    :param backend: the name of the backend for new values; empty: there is none.
    :param backends: by name, what may hold values: ``{"target": "module:attr", "options": {...}}``; the target is
        called with the options.
    """

    inline_limit: int = 64 * KIB
    limit: int = 1024 * KIB * KIB
    backend: str = ""
    backends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """All settings of a runner.

    :param log_level: name of a level of :mod:`logging`.
    :param base_url: where the web page is, for links such as ``ti.log_url``; empty: there is none.
    :param max_map_length: items that a list may have which tasks are mapped over.
    :param macros: ``"module:attr"`` of what plugins bring, by plugin and name.
    :param codecs: ``"module:attr"`` of codecs that plugins bring (see :mod:`tradewind.serialization.values`).
    :param prepare_import: ``"module:attr"`` of functions to call before any DAG file is imported.
    """

    log_level: str = "INFO"
    base_url: str = ""
    max_map_length: int = 100_000
    default_timezone: str = "UTC"
    xcom: XComSettings = XComSettings()
    macros: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    codecs: tuple[str, ...] = ()
    prepare_import: tuple[str, ...] = ()

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> RunnerSettings:
        """From a plain dict.

        :raises ConfigError: naming an option that is not known.
        """
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}
        xcom: dict[str, Any] = given.pop("xcom", {})
        _check(given, cls)
        _check(xcom, XComSettings)
        return cls(xcom=XComSettings(**xcom), **given)


def _check(options: Mapping[str, Any], kind: type[Any]) -> None:
    known = {option.name for option in fields(kind)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ConfigError(
            f"The runner has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}."
        )


def load_target(target: str) -> Any:
    """What ``"package.module:attr"`` names."""
    module, _, path = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found
