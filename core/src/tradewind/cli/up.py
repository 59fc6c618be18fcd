"""``tradewind up``: everything, in one terminal."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, whole_number
from tradewind.errors import NotFound, Refused


def declare_folder(parser: Parser) -> None:
    """``--dags-folder``."""
    parser.add_argument("--dags-folder", type=Path, metavar="DIR", help="folder of the DAG files")


def use_folder(folder: Path | None) -> None:
    """Let this process, and those that it starts, use another DAG folder."""
    if folder is not None:
        if not folder.is_dir():
            raise NotFound("folder", str(folder), cure="Make it, or leave --dags-folder out.")
        os.environ["TRADEWIND__CORE__DAGS_FOLDER"] = str(folder.resolve())


def _declare(parser: Parser) -> None:
    parser.add_argument("--port", type=whole_number, metavar="N", help="port of the web page")
    declare_folder(parser)


def _up(invocation: Invocation, given: argparse.Namespace) -> int:
    use_folder(given.dags_folder)
    if given.port is not None:
        if given.port > 65535:
            raise Refused(f"There is no port {given.port}: give one from 1 to 65535.")
        if "web" not in invocation.system.plugins.names("command"):
            raise Refused("There is no web page to serve at a port: the package tradewind-web brings it.")
        os.environ["TRADEWIND__WEB__PORT"] = str(given.port)
    from tradewind.app.up import up

    invocation.warn(invocation.system.settings.warnings)
    return up(invocation.system)


COMMANDS = (
    Command("", "start scheduler, agent and importer, and the web page where it is installed", _declare, _up),
)
