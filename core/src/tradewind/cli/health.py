"""``tradewind health``: whether the metadata database, and the processes that work on it, are well."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tradewind.cli.invocation import Invocation
from tradewind.cli.output import Record
from tradewind.cli.parser import Command, Parser

if TYPE_CHECKING:
    from tradewind.app.health import Part

_COLUMNS = ("component", "status", "host", "pid", "last_heartbeat", "note")


def _declare(parser: Parser) -> None:
    parser.output()


def _health(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.app.health import UNHEALTHY, parts_of

    parts = parts_of(invocation.system)
    invocation.printer.records([_record(part) for part in parts], _COLUMNS)
    return int(any(part.status == UNHEALTHY for part in parts))


def _record(part: Part) -> Record:
    process = part.process
    return {
        "component": part.component,
        "status": part.status,
        "host": process and process.host,
        "pid": process and process.pid,
        "started_at": process and process.started_at,
        "last_heartbeat": process and process.beat_at,
        "session": process and process.id,
        "capacity": process.capacity if process is not None and process.capacity else None,
        "note": part.note,
    }


COMMANDS = (Command("", "whether all is well (exit code 0) or not (1), part by part", _declare, _health),)
