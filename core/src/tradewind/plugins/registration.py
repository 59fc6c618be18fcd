"""What a plugin must look like to be taken in: the traps that pluggy leaves open, closed with messages that help."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from tradewind.errors import PluginError
from tradewind.plugins.markers import PROJECT, Discipline

_PREFIX = f"{PROJECT}_"


def checked_plugin(plugin: object, disciplines: Mapping[str, Discipline]) -> object:
    """Return ``plugin`` if it can be registered.

    :param disciplines: of the extension points that there are.
    :raises tradewind.errors.PluginError: with what is wrong and how to write it.
    """
    if inspect.isclass(plugin):
        raise PluginError(f"{plugin.__qualname__} is a class; announce a module, or an instance of the class")
    implementations = _implementations(plugin)
    if not implementations:
        raise PluginError(
            f"{_described(plugin)} implements no extension point; mark its {_PREFIX}... functions with "
            f"@hookimpl (from tradewind.plugins import hookimpl)"
        )
    for name, function in implementations.items():
        _check(name, function, disciplines)
    return plugin


def _implementations(plugin: object) -> dict[str, Any]:
    """What the plugin marks as implementations, and what it seems to have forgotten to mark."""
    found = {}
    for name in dir(plugin):
        value = inspect.getattr_static(plugin, name, None)
        function = getattr(value, "__func__", value)
        if hasattr(function, f"{PROJECT}_impl"):
            found[name] = function
        elif name.startswith(_PREFIX) and inspect.isfunction(function):
            raise PluginError(
                f"{name} is not marked: put @hookimpl above it (from tradewind.plugins import hookimpl)"
            )
    return found


def _check(name: str, function: Any, disciplines: Mapping[str, Discipline]) -> None:
    options = getattr(function, f"{PROJECT}_impl")
    if options.get("specname"):
        raise PluginError(f"{name} uses specname=; name the function after the extension point instead")
    if options.get("hookwrapper"):
        raise PluginError(f"{name} uses hookwrapper=; write a wrapper as @hookimpl(wrapper=True)")
    if inspect.iscoroutinefunction(function):
        raise PluginError(f"{name} is async; extension points are called as plain functions")
    discipline = disciplines.get(name)
    if discipline is None:
        if not options.get("optionalhook"):
            close = difflib.get_close_matches(name, disciplines, n=1)
            raise PluginError(
                f"{name} is no extension point of this version"
                + (
                    f"; did you mean {close[0]}?"
                    if close
                    else "; mark it optionalhook=True if other versions have it"
                )
            )
    elif options.get("wrapper") and discipline != "decide":
        raise PluginError(f"{name} is a wrapper, but a point that {discipline}s cannot be wrapped")


def _described(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or repr(plugin)
