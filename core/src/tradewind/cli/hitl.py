"""``tradewind hitl``: what tasks ask people for, and answering it."""

from __future__ import annotations

import argparse

from tradewind.cli.arguments import dag_place, json_object, run_place, task_place
from tradewind.cli.instances import find_instance
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import input_record
from tradewind.errors import NotFound

_COLUMNS = ("dag_id", "run_id", "task_id", "subject", "options", "state", "asked_at", "due_at")


def _declare_list(parser: Parser) -> None:
    dag_place(parser, optional=True)
    run_place(parser, optional=True)
    parser.add_argument("--all", action="store_true", help="also what was answered, or is asked no more")
    parser.limit()
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    run_id = None if given.run_id is None else invocation.run_of(given.dag_id, given.run_id).info.run_id
    rows = invocation.system.inputs.find(given.dag_id, run_id, open_only=not given.all, limit=given.limit)
    records = [input_record(row) for row in rows if given.all or row.answer is None]
    invocation.printer.records(records, _COLUMNS, "Nobody is asked for anything.")


def _place(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser)


def _declare_show(parser: Parser) -> None:
    _place(parser)
    parser.output()


def _show(invocation: Invocation, given: argparse.Namespace) -> None:
    run = invocation.run_of(given.dag_id, given.run_id)
    instance = find_instance(invocation, run, given.task_id)
    found = invocation.system.inputs.find(given.dag_id, run.info.run_id, instance.task_id)
    rows = [row for row in found if row.ti_pk == instance.pk]
    if not rows:
        raise NotFound(
            "question of the task", given.task_id, cure="`tradewind hitl list --all` lists all questions."
        )
    invocation.printer.record(input_record(rows[0]))


def _declare_respond(parser: Parser) -> None:
    _place(parser)
    parser.add_argument(
        "--option", action="append", default=[], metavar="O", help="what you choose (may be repeated)"
    )
    parser.add_argument(
        "--params",
        type=json_object,
        default={},
        metavar="JSON",
        help="the fields of the form, as a JSON object",
    )
    parser.output()


def _respond(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import RespondInput

    run = invocation.run_of(given.dag_id, given.run_id)
    run_id, label = run.info.run_id, find_instance(invocation, run, given.task_id).label
    command = RespondInput(
        dag_id=given.dag_id,
        run_id=run_id,
        task_id=label,
        options=tuple(given.option),
        params=given.params,
    )
    result = invocation.system.command(command)
    invocation.printer.record({"dag_id": given.dag_id, "run_id": run_id, "task_id": label, **result})


COMMANDS = (
    Command("list", "what people are asked for", _declare_list, _list),
    Command("show", "what a task asks, and what was answered", _declare_show, _show),
    Command("respond", "answer a task that waits", _declare_respond, _respond),
)
