"""What plugins hand over: small frozen values that name things without importing them."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from tradewind.errors import PluginError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")


@dataclass(frozen=True, slots=True)
class Component:
    """Something that is imported when it is first used.

    :param name: the name that people choose it by.
    :param target: where it is, as ``"package.module:attribute"``.
    :param doc: one line for ``tradewind plugins list``.
    :raises tradewind.errors.PluginError: where name or target are not of that form.
    """

    name: str
    target: str
    doc: str = ""

    def __post_init__(self) -> None:
        check_name(type(self).__name__, self.name)
        if not isinstance(self.target, str) or not _TARGET.match(self.target):
            raise PluginError(
                f"{type(self).__name__} {self.name!r} points to {self.target!r}; "
                f"write where it is as 'package.module:attribute'."
            )

    def load(self) -> Any:
        """Import the module and return the attribute; whatever the module raises comes through."""
        module, _, path = self.target.partition(":")
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        return found


@dataclass(frozen=True, slots=True)
class Macro(Component):
    """A function or value that templates see as ``macros.<plugin>.<name>``."""


@dataclass(frozen=True, slots=True)
class CliCommand(Component):
    """``tradewind <name> ...``: a function that takes the remaining arguments (``list[str]``) and returns the exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionField:
    """A field of a connection type, kept in the connection's ``extra``.

    :param secret: never shown once it is stored.
    """

    name: str
    label: str = ""
    doc: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionType:
    """A kind of outside system that connections lead to.

    :param name: what stands before ``://`` in a connection's URI.
    :param label: the system's name as it is usually written.
    :param hook: name of the registered hook that opens such a connection, if there is one.
    :param fields: what stands in ``extra``.
    """

    name: str
    label: str = ""
    hook: str | None = None
    default_port: int | None = None
    fields: tuple[ConnectionField, ...] = ()
    doc: str = ""

    def __post_init__(self) -> None:
        check_name("ConnectionType", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting, read from ``[section] key`` of ``tradewind.toml`` or from ``TRADEWIND__SECTION__KEY``.

    :param type: what the text of an environment variable is read as.
    """

    section: str
    key: str
    default: str | int | float | bool | None
    type: Literal["text", "integer", "number", "boolean"] = "text"
    doc: str = ""
    secret: bool = False

    def __post_init__(self) -> None:
        check_name("Setting", self.name)

    @property
    def name(self) -> str:
        """``section.key``."""
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding on a DAG. An error keeps the DAG's new version from going live; a warning is shown beside it.

    :param message: what is wrong, and what to do instead.
    """

    message: str
    severity: Literal["error", "warning"] = "error"
    task_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreparation:
    """A process is about to import DAG files for the first time."""

    process: Literal["importer", "template", "inline", "triggerer"]


def check_name(kind: str, name: object) -> None:
    """Refuse a name that cannot be typed on a command line or as an attribute."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise PluginError(
            f"{kind} has the name {name!r}; a name begins with a letter and is made of letters, digits, '_', '-' and '.'."
        )
