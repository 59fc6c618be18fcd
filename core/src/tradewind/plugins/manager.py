"""The plugin manager: loads plugins one by one, calls their extension points, and knows what failed and why.

There is no global manager: an app has one, and a process that nobody wired makes one by :func:`discover`.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, TypeVar

import pluggy

from tradewind import __version__
from tradewind.errors import PluginError
from tradewind.model.spec import DagSpec
from tradewind.plugins import specs
from tradewind.plugins.announcements import Announced, PluginId, installed
from tradewind.plugins.catalogue import BUILTIN, Catalogue, Failure, Registered
from tradewind.plugins.components import CliCommand, ImportPreparation, Problem, Setting
from tradewind.plugins.markers import PROJECT, Discipline, discipline_of
from tradewind.plugins.registration import checked_plugin

DISABLE = "TRADEWIND_DISABLE_PLUGINS"  #: names of plugins to leave out, with commas between them
AUTOLOAD = "TRADEWIND_PLUGIN_AUTOLOAD"  #: "0": only what the core brings

_BUILTIN_MODULE = "tradewind.builtin.plugin"
_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginReport:
    """A plugin as ``tradewind plugins list`` shows it.

    :param brings: names by kind.
    :param points: the extension points that it implements.
    :param failures: what went wrong, one sentence each; with status ``failed`` nothing of it is in use.
    """

    name: str
    distribution: str
    version: str
    status: Literal["loaded", "failed", "disabled"]
    brings: dict[str, list[str]] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class PluginManager:
    """Holds the plugins of one process and calls them by the three disciplines; serves as its components.

    :param points: the modules that define the extension points.
    :param strict: raise where a plugin fails, instead of leaving it out: for a plugin's own tests.
    """

    def __init__(self, points: Sequence[ModuleType] = (specs,), *, strict: bool = False) -> None:
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._disciplines: dict[str, Discipline] = {}
        for module in points:
            self._pluggy.add_hookspecs(module)
            for name, value in vars(module).items():
                if discipline := discipline_of(value):
                    self._disciplines[name] = discipline
        self._strict = strict
        self._loaded: dict[str, PluginId] = {}
        self._disabled: list[PluginId] = []
        self._failures: list[Failure] = []
        self._catalogue = Catalogue(self.collect, lambda: self._failures)

    # -- getting plugins in ---------

    def register(self, plugin: object, name: str | PluginId) -> bool:
        """Take in a plugin: a module, or an object, with functions marked ``@hookimpl``.

        :returns: whether it was taken in; if not, :meth:`describe` says why.
        :raises tradewind.errors.PluginError: instead, where the manager is strict.
        """
        identity = PluginId(name) if isinstance(name, str) else name
        return self._take(Announced(identity, lambda: plugin))

    def load(self, announced: Iterable[Announced], disabled: Iterable[str] = ()) -> None:
        """Take in plugins that are installed, each for itself: one that fails is recorded, and the others go on."""
        left_out = set(disabled)
        for one in announced:
            if one.id.name in left_out:
                self._disabled.append(one.id)
            else:
                self._take(one)

    def _take(self, announced: Announced) -> bool:
        identity = announced.id
        other = self._loaded.get(identity.name)
        try:
            if other is not None:
                raise PluginError(f"the name is taken already by plugin {other}; uninstall one of them")
            plugin = checked_plugin(announced.load(), self._disciplines)
            self._pluggy.register(plugin, identity.name)
        except (Exception, SystemExit) as error:
            if other is None and self._pluggy.has_plugin(identity.name):
                self._pluggy.unregister(
                    name=identity.name
                )  # pluggy stops half-way where a signature is wrong
            self._fail(Failure(identity, _told(error)), error)
            return False
        self._loaded[identity.name] = identity
        self._catalogue.forget()
        return True

    # -- the three disciplines ---------

    def collect(self, point: str, item: type[_Item], *arguments: object) -> list[Registered[_Item]]:
        """Everything that plugins bring at a point, each with its plugin; checked to be of type ``item``.

        A plugin that raises, or that hands over something else, is recorded and brings nothing there.
        """
        brought: list[Registered[_Item]] = []
        for plugin, call in self._implementations(point, "collect", arguments):
            try:
                items = _items(call(), item)
            except Exception as error:
                self._fail(Failure(plugin, _told(error), point), error)
            else:
                brought += [Registered(plugin, one) for one in items]
        return brought

    def decide(self, point: str, *arguments: object) -> Any:
        """The first answer that is not ``None``; ``None`` where nobody answers. An exception goes to the caller."""
        names = self._arguments(point, "decide", arguments)
        return getattr(self._pluggy.hook, point)(**names)

    def notify(self, point: str, event: object) -> None:
        """Tell every plugin of ``event``. One that raises is logged by name; nothing else comes of it."""
        for plugin, call in self._implementations(point, "observe", (event,)):
            try:
                call()
            except Exception:
                _log.exception("Plugin %s failed in %s", plugin, point)

    def _arguments(self, point: str, discipline: Discipline, given: tuple[object, ...]) -> dict[str, object]:
        actual = self._disciplines.get(point)
        if actual != discipline:
            raise PluginError(
                f"{point} is called to {discipline}, but "
                + (f"its discipline is {actual}." if actual else "there is no such extension point.")
            )
        names: Sequence[str] = getattr(self._pluggy.hook, point).spec.argnames
        return dict(zip(names, given, strict=True))

    def _implementations(
        self, point: str, discipline: Discipline, given: tuple[object, ...]
    ) -> list[tuple[PluginId, Callable[[], object]]]:
        arguments = self._arguments(point, discipline, given)

        def bind(implementation: pluggy.HookImpl) -> Callable[[], object]:
            return lambda: implementation.function(*(arguments[name] for name in implementation.argnames))

        # pluggy keeps the last one registered first; people expect the order in which plugins were loaded
        implementations = getattr(self._pluggy.hook, point).get_hookimpls()
        order = list(self._loaded)
        return [
            (self._loaded[one.plugin_name], bind(one))
            for one in sorted(implementations, key=lambda one: order.index(one.plugin_name))
        ]

    # -- what they bring ---------

    def get(self, kind: str, name: str) -> Any:
        """A component, imported (see :class:`tradewind.ports.components.Components`).

        :raises tradewind.errors.NotFound: naming close matches, failed plugins and the package that would bring it.
        :raises tradewind.errors.PluginError: where two plugins bring that name, or it cannot be used.
        """
        return self._catalogue.get(kind, name)

    def names(self, kind: str) -> list[str]:
        """All names of a kind, sorted; imports nothing."""
        return self._catalogue.names(kind)

    def settings(self) -> list[Registered[Setting]]:
        """The settings that plugins bring, by name; one that two plugins bring is left out (:meth:`problems` says so)."""
        return self._catalogue.entries("setting")

    def commands(self) -> list[Registered[CliCommand]]:
        """The commands that plugins bring, by name, none imported; one that two plugins bring is left out."""
        return self._catalogue.entries("command")

    def macros(self) -> dict[str, dict[str, str]]:
        """``package.module:attribute`` of what plugins bring for templates, by plugin and name; the core's own apart."""
        found: dict[str, dict[str, str]] = {}
        for brought in self._catalogue.entries("macro"):
            if brought.plugin.name != BUILTIN:
                found.setdefault(brought.plugin.name, {})[brought.item.name] = brought.item.target
        return found

    def check_dag(self, dag: DagSpec) -> list[Registered[Problem]]:
        """What plugins find wrong with a DAG. A check that fails is itself a finding, so that no rule is lost silently."""
        findings: list[Registered[Problem]] = []
        for plugin, call in self._implementations("tradewind_check_dag", "collect", (dag,)):
            try:
                found = _items(call(), Problem)
            except Exception as error:
                message = f"The check of plugin {plugin} failed: {_told(error)}"
                found = [Problem(message=message, severity="warning")]
            findings += [Registered(plugin, problem) for problem in found]
        return findings

    def implements(self, point: str) -> bool:
        """Whether any plugin has something to say at an extension point."""
        return bool(getattr(self._pluggy.hook, point).get_hookimpls())

    def prepare_import(self, event: ImportPreparation) -> None:
        """Let plugins get the process ready, before its first DAG file."""
        self.notify("tradewind_prepare_import", event)

    # -- what became of them ---------

    def describe(self) -> list[PluginReport]:
        """Every plugin: what it brings, or why it does not; the core's own first, then by name."""
        brings = {name: self._catalogue.brought_by(plugin) for name, plugin in self._loaded.items()}
        reports = [self._report(plugin, "loaded", brings[name]) for name, plugin in self._loaded.items()]
        reports += [self._report(plugin, "disabled", {}) for plugin in self._disabled]
        whole = dict.fromkeys(failure.plugin for failure in self._failures if not failure.point)
        reports += [self._report(plugin, "failed", {}) for plugin in whole]
        return sorted(reports, key=lambda report: (report.name != BUILTIN, report.name, report.distribution))

    def problems(self) -> list[str]:
        """All that is wrong with the plugins, one sentence each: failures, and names that two plugins bring."""
        clashes = self._catalogue.clashes()  # asked first: collecting is what brings some failures to light
        return [_sentence(failure) for failure in self._failures] + clashes

    def _report(
        self, plugin: PluginId, status: Literal["loaded", "failed", "disabled"], brings: dict[str, list[str]]
    ) -> PluginReport:
        callers = (
            self._pluggy.get_hookcallers(self._pluggy.get_plugin(plugin.name)) if status == "loaded" else None
        )
        return PluginReport(
            name=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            status=status,
            brings=brings,
            points=tuple(sorted(caller.name for caller in callers or ())),
            failures=tuple(_sentence(one) for one in self._failures if one.plugin == plugin),
        )

    def _fail(self, failure: Failure, error: BaseException) -> None:
        if self._strict:
            raise PluginError(_sentence(failure)) from error
        if failure not in self._failures:
            self._failures.append(failure)


def discover(environ: Mapping[str, str] | None = None) -> PluginManager:
    """A manager with what the core brings and the plugins that are installed.

    :param environ: where ``TRADEWIND_DISABLE_PLUGINS`` and ``TRADEWIND_PLUGIN_AUTOLOAD`` are looked up.
    """
    environ = os.environ if environ is None else environ
    manager = PluginManager()
    builtin = PluginId(BUILTIN, "tradewind", __version__)
    # By name, since the core's own components lie above this layer, as everybody else's do.
    manager.load([Announced(builtin, lambda: importlib.import_module(_BUILTIN_MODULE))])
    if environ.get(AUTOLOAD, "1") != "0":
        names = [name.strip() for name in environ.get(DISABLE, "").split(",")]
        manager.load(installed(), disabled=names)
    return manager


def _items(given: object, item: type[_Item]) -> list[_Item]:
    if given is None:
        return []
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise PluginError(f"it must return an iterable of {item.__name__}, not {type(given).__name__}")
    items = list(given)
    for one in items:
        # The very class: a CliCommand is no operator, although both are components.
        if type(one) is not item:
            raise PluginError(f"it must return {item.__name__} values; among them is {one!r:.80}")
    return items


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"


def _sentence(failure: Failure) -> str:
    place = f" in {failure.point}" if failure.point else ""
    return f"Plugin {failure.plugin} failed{place}: {failure.reason.rstrip('.')}."
