"""``tradewind config``: the settings, and where each comes from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser

if TYPE_CHECKING:
    from tradewind.config.settings import Settings


def _settings(invocation: Invocation) -> Settings:
    """The settings with those of plugins; says what is odd about the environment."""
    from tradewind.config.settings import load

    brought = [one.item for one in invocation.system.plugins.settings()]
    settings = load(None, invocation.environ, brought)
    invocation.warn(settings.warnings)
    return settings


def _declare_list(parser: Parser) -> None:
    parser.add_argument("--section", metavar="NAME", help="only this section")
    parser.add_argument("--changed", action="store_true", help="only those that are not at their default")
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    records = [
        {
            "name": one.name,
            "value": one.value,
            "source": one.source,
            "default": one.default,
            "env": one.variable,
            "description": one.description,
        }
        for one in _settings(invocation).describe()
        if (given.section is None or one.name.startswith(given.section + "."))
        and not (given.changed and one.source == "default")
    ]
    invocation.printer.records(records, ("name", "value", "source", "description"))


def _declare_get(parser: Parser) -> None:
    parser.place("name", "the setting, as section.key")
    parser.place("key", "the key, where the section stands by itself", optional=True)


def _get(invocation: Invocation, given: argparse.Namespace) -> None:
    name = given.name if given.key is None else f"{given.name}.{given.key}"
    settings = _settings(invocation)
    settings.get(name)
    invocation.printer.line(next(one.value for one in settings.describe() if one.name == name))


def _declare_path(parser: Parser) -> None:
    return None


def _path(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.config.home import find_home

    invocation.printer.line(str(find_home(None, invocation.environ).config_file))


COMMANDS = (
    Command("list", "list all settings, what they are set to and by what", _declare_list, _list),
    Command("get", "print one setting", _declare_get, _get),
    Command("path", "print where the settings' file is looked for", _declare_path, _path),
)
