"""``tradewind plugins``: what is plugged in, and what failed to be."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser

if TYPE_CHECKING:
    from tradewind.plugins.manager import PluginReport


def declare_list(parser: Parser) -> None:
    """``--output``."""
    parser.output()


def plugin_record(report: PluginReport) -> dict[str, Any]:
    """A plugin, with what it brings."""
    return {
        "name": report.name,
        "distribution": report.distribution,
        "version": report.version,
        "status": report.status,
        "brings": {kind: list(names) for kind, names in report.brings.items()},
        "points": list(report.points),
        "failures": list(report.failures),
    }


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    plugins = invocation.system.plugins
    records = [plugin_record(report) for report in plugins.describe()]
    if invocation.printer.for_people:
        for record in records:
            record["brings"] = "; ".join(
                f"{kind}: {', '.join(names)}" for kind, names in record["brings"].items()
            )
    invocation.printer.records(records, ("name", "distribution", "version", "status", "brings"))
    for problem in plugins.problems():
        invocation.say(problem)


COMMANDS = (
    Command("list", "list the plugins, what they bring and what is wrong with them", declare_list, _list),
)
