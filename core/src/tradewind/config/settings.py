"""Typed settings from ``tradewind.toml`` and the environment; what makes no sense is told with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Protocol

from tradewind.config.home import Home, find_home
from tradewind.config.sections import (
    SECTIONS,
    CoreSettings,
    DatabaseSettings,
    ImportingSettings,
    Known,
    LogsSettings,
    RetentionSettings,
    SchedulerSettings,
    TasksSettings,
    TemplatesSettings,
    TriggererSettings,
    Value,
    XcomSettings,
    known_settings,
)
from tradewind.config.toml import Entry, read_toml
from tradewind.config.values import from_text, from_toml, shown
from tradewind.errors import ConfigError, NotFound

PREFIX = "TRADEWIND__"


class BroughtSetting(Protocol):
    """A setting that a plugin brings."""

    @property
    def section(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def default(self) -> str | int | float | bool | None: ...
    @property
    def type(self) -> Literal["text", "integer", "number", "boolean"]: ...
    @property
    def doc(self) -> str: ...
    @property
    def secret(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingValue:
    """A setting as people see it; secrets are left out of ``value``.

    :param source: ``"default"``, ``"/path/tradewind.toml:12"`` or ``"$TRADEWIND__CORE__PARALLELISM"``.
    :param variable: the environment variable that sets it.
    """

    name: str
    value: str
    source: str
    default: str
    description: str
    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, read. Made by :func:`load`.

    :ivar warnings: about environment variables that look like settings and are none.
    """

    home: Home
    core: CoreSettings
    database: DatabaseSettings
    importing: ImportingSettings
    scheduler: SchedulerSettings
    tasks: TasksSettings
    templates: TemplatesSettings
    triggerer: TriggererSettings
    xcom: XcomSettings
    logs: LogsSettings
    retention: RetentionSettings
    warnings: tuple[str, ...] = ()
    _known: tuple[Known, ...] = field(repr=False)
    _values: Mapping[str, Value] = field(repr=False)
    _sources: Mapping[str, str] = field(repr=False)

    @property
    def database_address(self) -> str | Path:
        """What :func:`tradewind.store.engine.open_store` opens; a relative SQLite path is below the home."""
        url = self.database.url
        if not url:
            return self.home.database
        beginning = "sqlite:///"
        if url.startswith(beginning) and "?" not in url and url[len(beginning) :] not in ("", ":memory:"):
            return self.home.path / url[len(beginning) :]
        return url

    def get(self, name: str) -> Value:
        """The setting ``section.key``, those of plugins included.

        :raises NotFound: naming close matches.
        """
        if name not in self._values:
            raise NotFound("setting", name, self._values, cure="`tradewind config list` lists them.")
        return self._values[name]

    def describe(self) -> list[SettingValue]:
        """Every setting with its value, where that came from, its default and what it means."""
        return [
            SettingValue(
                name=one.name,
                value=shown(one, self._values[one.name]) or one.shown,
                source=self._sources[one.name],
                default=one.shown or shown(one, one.default_in(self.home)),
                description=one.doc,
                variable=one.variable,
            )
            for one in self._known
        ]


def load(
    home: Path | None, environ: Mapping[str, str], brought: Iterable[BroughtSetting] | None = ()
) -> Settings:
    """Read the settings: the environment goes before ``tradewind.toml``, which goes before the defaults.

    :param home: the home folder; ``None``: where the environment says, else ``~/tradewind``.
    :param brought: settings of plugins; ``None``: unknown, so that sections which are not the core's are
        passed over.
    :raises ConfigError: naming the place, what is wrong there and what is wanted.
    """
    place = find_home(home, environ)
    known = (*known_settings(), *(_brought(one) for one in brought or ()))
    by_name = {one.name: one for one in known}
    values: dict[str, Value] = {one.name: one.default_in(place) for one in known}
    sources = dict.fromkeys(values, "default")
    for entry in read_toml(place.config_file):
        if entry.section not in SECTIONS and brought is None:
            continue
        found = by_name.get(f"{entry.section}.{entry.key}")
        if found is None:
            raise _unknown(entry, known)
        values[found.name] = from_toml(found, entry, place.path)
        sources[found.name] = entry.place
    warnings = _read_environment(environ, known, values, sources, place, only_ours=brought is None)
    return _settings(place, known, values, sources, warnings)


def _read_environment(
    environ: Mapping[str, str],
    known: Iterable[Known],
    values: dict[str, Value],
    sources: dict[str, str],
    home: Home,
    *,
    only_ours: bool,
) -> tuple[str, ...]:
    by_variable = {one.variable: one for one in known}
    warnings = []
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        found = by_variable.get(variable)
        if found is None:
            if only_ours and variable.removeprefix(PREFIX).partition("__")[0].lower() not in SECTIONS:
                continue
            hint = _hint(variable, by_variable)
            warnings.append(f"${variable} is no setting and changes nothing.{hint}")
        elif not environ[variable]:
            warnings.append(f"${variable} is empty and changes nothing. Unset it, or give it a value.")
        else:
            values[found.name] = from_text(found, environ[variable], home.path)
            sources[found.name] = f"${variable}"
    return tuple(warnings)


def _settings(
    home: Home,
    known: tuple[Known, ...],
    values: dict[str, Value],
    sources: dict[str, str],
    warnings: tuple[str, ...],
) -> Settings:
    sections: dict[str, Any] = {
        section: kind(**{one.name: values[f"{section}.{one.name}"] for one in fields(kind)})
        for section, kind in SECTIONS.items()
    }
    return Settings(home=home, warnings=warnings, _known=known, _values=values, _sources=sources, **sections)


def _brought(one: BroughtSetting) -> Known:
    return Known(
        section=one.section,
        key=one.key,
        kind=one.type,
        default=one.default,
        doc=one.doc,
        secret=one.secret,
    )


def _unknown(entry: Entry, known: Iterable[Known]) -> ConfigError:
    sections = {one.section for one in known}
    if entry.section not in sections:
        return ConfigError(
            f"{entry.place}: there is no section [{entry.section}].{_hint(entry.section, sections)} "
            f"`tradewind config list` lists all settings."
        )
    keys = [one.key for one in known if one.section == entry.section]
    return ConfigError(
        f"{entry.place}: there is no setting {entry.key!r} in [{entry.section}].{_hint(entry.key, keys)} "
        f"It has {', '.join(keys)}."
    )


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
