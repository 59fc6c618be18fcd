"""``tradewind runs``: what ran, and letting it go again."""

from __future__ import annotations

import argparse

from tradewind.cli.arguments import dag_place, date_range, run_place, selection, task_id
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, UsageError
from tradewind.cli.records import run_record, task_instance_record, transition_record
from tradewind.model.states import RunState, RunType

_COLUMNS = ("dag_id", "run_id", "state", "run_type", "logical_date", "start_date", "duration")


def declare_filters(parser: Parser) -> None:
    """Which runs to list."""
    parser.add_argument(
        "--state",
        action="append",
        choices=[str(one) for one in RunState],
        help="in this state (may be repeated)",
    )
    parser.add_argument(
        "--run-type", action="append", choices=[str(one) for one in RunType], help="made by this"
    )
    date_range(parser)
    parser.limit()
    parser.output()


def _declare_list(parser: Parser) -> None:
    dag_place(parser, optional=True)
    declare_filters(parser)


def list_runs(invocation: Invocation, given: argparse.Namespace) -> None:
    """List runs, newest first."""
    if given.dag_id is not None:
        invocation.system.dags.get(given.dag_id)
    rows = invocation.system.runs.find(
        given.dag_id,
        states=[RunState(one) for one in given.state or ()],
        run_types=[RunType(one) for one in given.run_type or ()],
        since=invocation.aware(given.from_date),
        until=invocation.aware(given.to_date),
        limit=given.limit,
    )
    invocation.printer.records([run_record(row) for row in rows], _COLUMNS, "There are no such runs.")


def _declare_show(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    parser.output()


def _show(invocation: Invocation, given: argparse.Namespace) -> None:
    system, printer = invocation.system, invocation.printer
    run = invocation.run_of(given.dag_id, given.run_id)
    instances = [task_instance_record(run, row) for row in system.runs.task_instances(run.pk)]
    story = [transition_record(row) for row in system.attempts.story(run.pk)]
    printer.record(
        {**run_record(run), "task_instances": instances, "story": story}, ("task_instances", "story")
    )
    if printer.for_people:
        printer.line()
        printer.records(instances, ("task_id", "state", "try_number", "start_date", "duration", "reason"))


def _why(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.reasons import Reasons

    Reasons(invocation).show_run(given.dag_id, given.run_id)


def _declare_clear(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    parser.add_argument(
        "--task-id",
        action="append",
        type=task_id,
        metavar="TASK",
        help="this task (may be repeated; default: what failed)",
    )
    selection(parser)
    parser.add_argument("--all", action="store_true", help="every task of the run")
    declare_clearing(parser)


def declare_clearing(parser: Parser) -> None:
    """How a clear is carried out."""
    parser.add_argument(
        "--run-on-latest-version",
        action="store_true",
        help="with the newest version of the DAG, rather than the one that the run began with",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show which tasks would run again")
    parser.yes()
    parser.output()


def _clear(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.clearing import clear, runs_around, wish_of

    run = invocation.run_of(given.dag_id, given.run_id)
    runs = runs_around(invocation, run, past=given.past, future=given.future)
    wish = wish_of(given, given.task_id or (), everything=given.all)
    clear(invocation, runs, wish, dry_run=given.dry_run, yes=given.yes)


def _declare_mark(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    parser.add_argument(
        "--state", required=True, choices=("success", "failed", "skipped"), help="what to mark it"
    )
    parser.add_argument(
        "--task-id",
        action="append",
        type=task_id,
        metavar="TASK",
        help="this task (may be repeated) instead of the run",
    )
    parser.yes()
    parser.output()


def _mark(invocation: Invocation, given: argparse.Namespace) -> None:
    run = invocation.run_of(given.dag_id, given.run_id)
    if given.task_id:
        from tradewind.cli.marking import mark_tasks

        mark_tasks(invocation, run, given.task_id, given.state, yes=given.yes)
        return
    if given.state == "skipped":
        raise UsageError(
            "A run can be marked success or failed; skipped is for tasks: name one with --task-id."
        )
    from tradewind.model.commands import MarkRun

    dag_id, run_id = given.dag_id, run.info.run_id
    invocation.confirm(f"Mark the run {run_id} {given.state}?", yes=given.yes)
    invocation.command(MarkRun(dag_id=dag_id, run_id=run_id, state=RunState(given.state), seen=run.state))
    run = invocation.system.runs.get(dag_id, run_id)
    if str(run.state) != given.state:
        invocation.say("Its teardowns have not ended yet; they go on, and the run ends after them.")
    invocation.printer.record(run_record(run), leave_out=("conf", "note"))


def declare_note(parser: Parser) -> None:
    """The text of a note."""
    parser.place("text", "the note; empty text takes it away; without it, the note is shown", optional=True)
    parser.output()


def _declare_note(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    declare_note(parser)


def _note(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.marking import note

    note(invocation, invocation.run_of(given.dag_id, given.run_id), given.text)


def _declare_delete(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    parser.yes()


def _delete(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import DeleteRun

    run_id = invocation.run_of(given.dag_id, given.run_id).info.run_id
    invocation.confirm(f"Delete the run {run_id} with its states and results?", yes=given.yes)
    invocation.command(DeleteRun(dag_id=given.dag_id, run_id=run_id))
    invocation.say(f"Deleted the run {run_id}; its logs stay.")


COMMANDS = (
    Command("list", "list runs, newest first", _declare_list, list_runs),
    Command("show", "show a run, its task instances and what happened in it", _declare_show, _show),
    Command("why", "why a run waits, or ended as it did", _declare_show, _why),
    Command(
        "clear", "let what failed in a run, and what is downstream of it, go again", _declare_clear, _clear
    ),
    Command("mark", "set a run, or tasks of it, to a state by hand", _declare_mark, _mark),
    Command("note", "show or write the note on a run", _declare_note, _note),
    Command("delete", "forget a run that has ended", _declare_delete, _delete),
)
