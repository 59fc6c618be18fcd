"""What the plugins bring, by kind and name: who brought it, which names clash, and why something is not there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from tradewind.errors import NotFound, PluginError
from tradewind.plugins.announcements import PluginId
from tradewind.plugins.components import CliCommand, Component, ConnectionType, Macro, Setting

Item = TypeVar("Item")
BUILTIN = "builtin"  #: name of the plugin that the core brings


@dataclass(frozen=True, slots=True)
class Registered(Generic[Item]):
    """Something that a plugin brought."""

    plugin: PluginId
    item: Item


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a plugin, or what it would bring at one extension point, was left out.

    :param point: the extension point; empty where the whole plugin was left out.
    """

    plugin: PluginId
    reason: str
    point: str = ""


class KindRule(NamedTuple):
    """How things of a kind are brought.

    :param base: the class that a component of this kind is derived from, as ``"package.module:attribute"``.
    :param named: the class says its own name too (``name``), and it must be the registered one.
    """

    point: str
    item: type
    base: str | None = None
    named: bool = False


KINDS: dict[str, KindRule] = {
    "operator": KindRule(
        "tradewind_register_operators", Component, "tradewind.authoring.operator:BaseOperator"
    ),
    "task_decorator": KindRule("tradewind_register_task_decorators", Component),
    "hook": KindRule("tradewind_register_hooks", Component, "tradewind.authoring.hook:BaseHook"),
    "connection_type": KindRule("tradewind_register_connection_types", ConnectionType),
    "executor": KindRule(
        "tradewind_register_executors", Component, "tradewind.ports.executor:Executor", True
    ),
    "xcom_backend": KindRule(
        "tradewind_register_xcom_backends", Component, "tradewind.ports.xcom_backend:XComBackend", True
    ),
    "notifier": KindRule(
        "tradewind_register_notifiers", Component, "tradewind.authoring.notifier:BaseNotifier"
    ),
    "timetable": KindRule("tradewind_register_timetables", Component),
    "trigger": KindRule("tradewind_register_triggers", Component, "tradewind.authoring.triggers:BaseTrigger"),
    "macro": KindRule("tradewind_register_macros", Macro),
    "command": KindRule("tradewind_register_commands", CliCommand),
    "setting": KindRule("tradewind_register_settings", Setting),
}

#: Names that people know, and the package that brings each: what to install where it is missing.
_PACKAGES: dict[tuple[str, str], str] = {
    ("executor", "celery"): "tradewind-celery",
    ("executor", "dask"): "tradewind-dask",
    ("executor", "kubernetes"): "tradewind-kubernetes",
    ("notifier", "smtp"): "tradewind-smtp",
    ("task_decorator", "bash"): "tradewind-standard",
    ("task_decorator", "virtualenv"): "tradewind-standard",
    ("task_decorator", "external_python"): "tradewind-standard",
    ("command", "web"): "tradewind-web",
}


class Catalogue:
    """Looks things up among what was collected.

    :param collect: everything brought at one extension point: ``collect(point, item type)``.
    :param failures: what went wrong so far, at the time of asking.
    """

    def __init__(
        self,
        collect: Callable[[str, type], Sequence[Registered[Any]]],
        failures: Callable[[], Iterable[Failure]],
    ) -> None:
        self._collect = collect
        self._failures = failures
        self._by_kind: dict[str, dict[str, list[Registered[Any]]]] = {}

    def forget(self) -> None:
        """Collect anew at the next question: another plugin has come in."""
        self._by_kind.clear()

    def entries(self, kind: str) -> list[Registered[Any]]:
        """Everything of a kind that has its name to itself, by name; imports nothing."""
        return [found[0] for _, found in sorted(self._named(kind).items()) if len(found) == 1]

    def names(self, kind: str) -> list[str]:
        """All names of a kind, sorted; imports nothing. A kind that nothing can bring has none."""
        return sorted(self._named(kind))

    def entry(self, kind: str, name: str) -> Registered[Any]:
        """What was brought under that name, not imported.

        :raises tradewind.errors.NotFound: naming close matches and the package that would bring it.
        :raises tradewind.errors.PluginError: where two plugins bring that name.
        """
        found = self._named(kind).get(name)
        if not found:
            raise NotFound(_spoken(kind), name, self.names(kind), self._cure(kind, name))
        if len(found) > 1:
            raise PluginError(_clash(kind, name, found))
        return found[0]

    def get(self, kind: str, name: str) -> Any:
        """The component, imported; a connection type, which is plain data, as it was brought.

        :raises tradewind.errors.NotFound: as :meth:`entry`.
        :raises tradewind.errors.PluginError: where two plugins bring that name, or what is brought cannot be used.
        """
        brought = self.entry(kind, name)
        return _load(kind, brought) if isinstance(brought.item, Component) else brought.item

    def clashes(self) -> list[str]:
        """A message for every name that two plugins bring."""
        return [
            _clash(kind, name, found)
            for kind in KINDS
            for name, found in self._named(kind).items()
            if len(found) > 1
        ]

    def brought_by(self, plugin: PluginId) -> dict[str, list[str]]:
        """Names by kind, of the kinds that the plugin brings anything of."""
        brought = {
            kind: sorted(
                name for name, found in self._named(kind).items() for one in found if one.plugin == plugin
            )
            for kind in KINDS
        }
        return {kind: names for kind, names in brought.items() if names}

    def _named(self, kind: str) -> dict[str, list[Registered[Any]]]:
        rule = KINDS.get(kind)
        if rule is None:
            return {}
        if kind not in self._by_kind:
            entries: dict[str, list[Registered[Any]]] = {}
            for brought in self._collect(rule.point, rule.item):
                entries.setdefault(_name(brought), []).append(brought)
            self._by_kind[kind] = entries
        return self._by_kind[kind]

    def _cure(self, kind: str, name: str) -> str:
        parts = []
        package = _PACKAGES.get((kind, name))
        broken = list(self._failures())
        if package and not any(failure.plugin.distribution == package for failure in broken):
            parts.append(f"The package {package} brings it: pip install {package}.")
        parts += [f"Plugin {failure.plugin} failed: {failure.reason}" for failure in broken]
        names = self.names(kind)
        parts.append(f"Available: {', '.join(names)}." if names else "None is installed.")
        return " ".join([*parts, "See `tradewind plugins list`."])


def _name(brought: Registered[Any]) -> str:
    # Templates see a plugin's macros below the plugin's name; the core's own stand directly below `macros`.
    if isinstance(brought.item, Macro) and brought.plugin.name != BUILTIN:
        return f"{brought.plugin.name}.{brought.item.name}"
    return str(brought.item.name)


def _spoken(kind: str) -> str:
    return "XCom backend" if kind == "xcom_backend" else kind.replace("_", " ")


def _clash(kind: str, name: str, found: Sequence[Registered[Any]]) -> str:
    plugins = " and ".join(dict.fromkeys(f"plugin {one.plugin}" for one in found))
    twice = " twice" if len({one.plugin for one in found}) == 1 else ""
    return (
        f"The {_spoken(kind)} {name!r} is brought{twice} by {plugins}; a name can have one meaning only. "
        f"Uninstall one of them, or leave it out with TRADEWIND_DISABLE_PLUGINS={found[-1].plugin.name}."
    )


def _load(kind: str, brought: Registered[Component]) -> Any:
    component, rule = brought.item, KINDS[kind]
    what = f"The {_spoken(kind)} {component.name!r} of plugin {brought.plugin} ({component.target})"
    try:
        loaded = component.load()
    except ModuleNotFoundError as error:
        raise PluginError(f"{what} needs the module {error.name!r}, which is not installed.") from error
    except Exception as error:
        raise PluginError(f"{what} cannot be imported: {type(error).__name__}: {error}") from error
    if rule.base is None:
        return loaded
    base = _resolve(rule.base)
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        raise PluginError(f"{what} is not a class derived from {base.__module__}.{base.__qualname__}.")
    if rule.named and getattr(loaded, "name", None) != component.name:
        raise PluginError(
            f"{what} calls itself {getattr(loaded, 'name', None)!r}; its `name` must be the name it is registered under."
        )
    return loaded


def _resolve(target: str) -> type:
    module, _, attribute = target.partition(":")
    base: type = getattr(importlib.import_module(module), attribute)
    return base
