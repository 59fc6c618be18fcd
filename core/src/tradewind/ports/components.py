"""What plugins bring, as the layers below the plugin manager see it: components looked up by kind and name.

The app (or the process that it started) says who answers; a plain ``python file.py`` is answered by the plugins that are
installed, which are looked for at the first question.
"""

from __future__ import annotations

import importlib
from contextvars import ContextVar, Token
from typing import Any, Literal, Protocol, cast

Kind = Literal[
    "operator",
    "task_decorator",
    "hook",
    "connection_type",
    "executor",
    "xcom_backend",
    "secrets_backend",
    "timetable",
    "trigger",
    "macro",
    "notifier",
]


class Components(Protocol):
    """A registry of named components."""

    def get(self, kind: Kind, name: str) -> Any:
        """The component, imported.

        :raises tradewind.errors.NotFound: naming close matches, and the package that would bring it.
        """
        ...

    def names(self, kind: Kind) -> list[str]:
        """All names of a kind, sorted; imports nothing."""
        ...


_current: ContextVar[Components | None] = ContextVar("tradewind_components", default=None)


def current() -> Components:
    """The registry of this process."""
    found = _current.get()
    if found is None:
        # The one look upwards: nobody wired this process, so the installed plugins are discovered here.
        discovery = importlib.import_module("tradewind.plugins.manager")
        found = cast(Components, discovery.discover())
        _current.set(found)
    return found


def use(components: Components) -> Token[Components | None]:
    """Let ``components`` answer in this process from now on."""
    return _current.set(components)
