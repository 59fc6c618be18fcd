"""``tradewind deadlines``: by when runs are to succeed."""

from __future__ import annotations

import argparse

from tradewind.cli.arguments import dag_place, run_place
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import deadline_record

_COLUMNS = ("dag_id", "run_id", "name", "deadline_time", "state", "closed_at")


def _declare_list(parser: Parser) -> None:
    dag_place(parser, optional=True)
    run_place(parser, optional=True)
    parser.limit()
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    run_id = None if given.run_id is None else invocation.run_of(given.dag_id, given.run_id).info.run_id
    rows = invocation.system.deadlines.find(given.dag_id, run_id, limit=given.limit)
    invocation.printer.records([deadline_record(row) for row in rows], _COLUMNS, "There are no deadlines.")


COMMANDS = (Command("list", "list deadlines of runs, and what became of them", _declare_list, _list),)
