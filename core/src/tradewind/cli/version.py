"""``tradewind version``."""

from __future__ import annotations

import argparse

import tradewind
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser


def _declare(parser: Parser) -> None:
    parser.output()


def _version(invocation: Invocation, given: argparse.Namespace) -> None:
    if invocation.printer.output in ("json", "yaml"):
        invocation.printer.value({"version": tradewind.__version__})
    else:
        invocation.printer.line(tradewind.__version__)


COMMANDS = (Command("", "the version of Tradewind", _declare, _version),)
