"""``tradewind callbacks``: which callbacks were called, what became of them, and what they said."""

from __future__ import annotations

import argparse

from tradewind.cli.arguments import dag_place, run_place, task_place
from tradewind.cli.invocation import Invocation
from tradewind.cli.logs import copy_log
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import callback_record
from tradewind.errors import NotFound

_COLUMNS = ("dag_id", "run_id", "task_id", "callback", "state", "delivery", "start_date", "reason")


def _declare_list(parser: Parser) -> None:
    dag_place(parser, optional=True)
    run_place(parser, optional=True)
    task_place(parser, optional=True)
    parser.limit()
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    rows = invocation.system.callbacks.find(
        given.dag_id, _run_id(invocation, given), given.task_id, limit=given.limit
    )
    invocation.printer.records(
        [callback_record(row) for row in rows], _COLUMNS, "No callback was called for."
    )


def _declare_logs(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser, optional=True)


def _logs(invocation: Invocation, given: argparse.Namespace) -> int:
    system = invocation.system
    rows = system.callbacks.find(given.dag_id, _run_id(invocation, given), given.task_id)
    found = {row.attempt.log_path: row for row in rows if given.task_id is not None or row.request.of_run}
    paths = [path for path in found if (system.settings.logs.folder / path).exists()]
    if not paths:
        raise NotFound(
            "log of a callback",
            given.task_id or given.run_id,
            cure=f"`tradewind callbacks list {given.dag_id} {given.run_id}` says which callbacks there are; "
            f"name a task for those of the task.",
        )
    for path in paths:
        if len(paths) > 1:
            invocation.printer.line(f"-- {path}")
        copy_log(system.settings.logs.folder / path)
    return 0


def _run_id(invocation: Invocation, given: argparse.Namespace) -> str | None:
    return None if given.run_id is None else invocation.run_of(given.dag_id, given.run_id).info.run_id


COMMANDS = (
    Command("list", "list callbacks: of all DAGs, a DAG, a run or a task", _declare_list, _list),
    Command("logs", "print the logs of a run's or a task's callbacks", _declare_logs, _logs),
)
