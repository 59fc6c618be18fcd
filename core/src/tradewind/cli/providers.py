"""``tradewind providers``: the packages that plugins come in."""

from __future__ import annotations

import argparse
from typing import Any

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command
from tradewind.cli.plugins import declare_list


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    packages: dict[str, dict[str, Any]] = {}
    for report in invocation.system.plugins.describe():
        if report.distribution in ("", "tradewind"):
            continue
        record = packages.setdefault(
            report.distribution,
            {
                "package_name": report.distribution,
                "version": report.version,
                "status": report.status,
                "plugins": [],
            },
        )
        record["plugins"].append(report.name)
        if report.status == "failed":
            record["status"] = "failed"
    columns = ("package_name", "version", "status", "plugins")
    invocation.printer.records(
        list(packages.values()), columns, "No provider is installed; `pip install tradewind-...`."
    )


COMMANDS = (Command("list", "list the providers that are installed", declare_list, _list),)
