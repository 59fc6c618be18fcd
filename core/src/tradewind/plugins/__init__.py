"""HOW OTHERS EXTEND US: what a plugin needs to write, and nothing that costs anything to import.

A plugin is a module with functions marked ``@hookimpl`` and named after an extension point of
:mod:`tradewind.plugins.specs`, announced by its distribution in the entry-point group ``tradewind``.
"""

from tradewind.plugins.components import (
    CliCommand,
    Component,
    ConnectionField,
    ConnectionType,
    ImportPreparation,
    Macro,
    Problem,
    Setting,
)
from tradewind.plugins.markers import hookimpl

__all__ = [
    "CliCommand",
    "Component",
    "ConnectionField",
    "ConnectionType",
    "ImportPreparation",
    "Macro",
    "Problem",
    "Setting",
    "hookimpl",
]
