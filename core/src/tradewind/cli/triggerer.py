"""``tradewind triggerer``: the triggerer alone, for whoever starts the other processes by other means."""

from __future__ import annotations

import argparse
import logging
import sys

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser


def _triggerer(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.app.triggerers import triggerer_main

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    system = invocation.system
    invocation.warn(system.settings.warnings)
    return triggerer_main(system, stays=True)


def _declare(parser: Parser) -> None:
    """It takes no arguments."""


COMMANDS = (
    Command(
        "",
        "start the triggerer alone, which runs the triggers of deferred tasks; `up` starts one when it is needed",
        _declare,
        _triggerer,
    ),
)
