"""``tradewind scheduler``: the scheduler alone, for whoever starts the other processes by other means."""

from __future__ import annotations

import argparse
import logging
import sys

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.up import declare_folder, use_folder


def _scheduler(invocation: Invocation, given: argparse.Namespace) -> int:
    use_folder(given.dags_folder)
    from tradewind.app.triggerers import wanted_from_elsewhere
    from tradewind.app.up import scheduler_main

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    system = invocation.system
    invocation.warn(system.settings.warnings)
    return scheduler_main(
        system, system.settings.home.run / "agent.sock", triggerer=wanted_from_elsewhere(system)
    )


def _declare(parser: Parser) -> None:
    declare_folder(parser)


COMMANDS = (
    Command(
        "", "start the scheduler alone; agent and importer are to be started beside it", _declare, _scheduler
    ),
)
