"""``tradewind demo``: the examples, in a new home, switched on and started."""

from __future__ import annotations

import argparse
from pathlib import Path

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="the new home (default: tradewind-demo in the current folder)",
    )


def _demo(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.app.demo import demo

    return demo((given.home or Path("tradewind-demo")).absolute())


COMMANDS = (
    Command("", "put the examples into a new home, switch them on, and start everything", _declare, _demo),
)
