"""``var``, ``conn`` and ``macros`` of templates."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from tradewind.authoring.hook import get_connection
from tradewind.authoring.variable import Variable
from tradewind.errors import NotFound
from tradewind.model.connection import Connection
from tradewind.runner.settings import load_target

_BUILTIN_MACROS = "tradewind.builtin.macros"


class _Texts:
    """``var.value.name``, or ``var.value.get("a name", default)``."""

    def get(self, key: str, default: Any = None) -> Any:
        """The variable's value, or ``default`` where there is none."""
        try:
            return self[key]
        except NotFound:
            return default

    def __getitem__(self, key: str) -> Any:
        return Variable.get(key)

    def __getattr__(self, key: str) -> Any:
        # Names like these are probed by Python and Jinja; no variable is meant.
        if key.startswith("__") or key == "jinja_pass_arg":
            raise AttributeError(key)
        return self[key]


class _Json(_Texts):
    """``var.json.name.key``."""

    def __getitem__(self, key: str) -> Any:
        return Variable.get(key, deserialize_json=True)


class Variables:
    """``var``: variables as text (``value``) and as what their JSON says (``json``)."""

    def __init__(self) -> None:
        self.value = _Texts()
        self.json = _Json()


class Connections:
    """``conn.my_db.host``, or ``conn.get("my-db", default)``."""

    def get(self, conn_id: str, default: Any = None) -> Connection | Any:
        """The connection, or ``default`` where there is none."""
        try:
            return get_connection(conn_id)
        except NotFound:
            return default

    def __getattr__(self, conn_id: str) -> Connection:
        if conn_id.startswith("__") or conn_id == "jinja_pass_arg":
            raise AttributeError(conn_id)
        return get_connection(conn_id)


class _Plugin:
    """``macros.<plugin>``."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets

    def __getattr__(self, name: str) -> Any:
        if name not in self._targets:
            raise AttributeError(name)
        return load_target(self._targets[name])


class Macros:
    """``macros``: functions and modules for templates; those of plugins are ``macros.<plugin>.<name>``.

    :param plugins: ``"module:attr"`` by plugin and name.
    """

    def __init__(self, plugins: Mapping[str, Mapping[str, str]]) -> None:
        self._plugins = plugins

    def __getattr__(self, name: str) -> Any:
        if name in self._plugins:
            return _Plugin(self._plugins[name])
        if name.startswith("_"):
            raise AttributeError(name)
        # By name, since the macros that the core brings come through the door that every plugin uses.
        return importlib.import_module(_BUILTIN_MACROS).lookup(name)
