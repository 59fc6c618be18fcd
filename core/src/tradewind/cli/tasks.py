"""``tradewind tasks``: the tasks of a DAG and of its runs; why, and what they said."""

from __future__ import annotations

import argparse

from tradewind.cli.arguments import (
    dag_place,
    date_range,
    json_object,
    moment,
    relatives,
    run_place,
    selection,
    task_place,
)
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, UsageError, whole_number
from tradewind.cli.records import Record, task_instance_record, task_record
from tradewind.cli.runs import declare_clearing, declare_note
from tradewind.errors import NotFound


def _declare_list(parser: Parser) -> None:
    dag_place(parser)
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    spec = invocation.system.dags.current_version(given.dag_id).spec
    records = [task_record(task, given.dag_id) for task in spec.tasks]
    columns = ("task_id", "operator_name", "trigger_rule", "downstream_task_ids", "pool", "retries")
    invocation.printer.records(records, columns, "The DAG has no tasks.")


def _declare_states(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    parser.output()


def _states(invocation: Invocation, given: argparse.Namespace) -> None:
    run = invocation.run_of(given.dag_id, given.run_id)
    spec = invocation.system.dags.load_version(run.info.version_id).spec
    tasks = {task.task_id: task for task in spec.tasks}
    records = [
        task_instance_record(run, row, tasks.get(row.task_id))
        for row in invocation.system.runs.task_instances(run.pk)
    ]
    columns = ["task_id", "state", "try_number", "start_date", "end_date", "duration", "reason"]
    columns[1:1] = [name for name in ("map_index", "rendered_map_index") if _tells(records, name)]
    invocation.printer.records(records, columns, "The run has no tasks.")


def _tells(records: list[Record], column: str) -> bool:
    """Whether the column says anything: it is about mapped tasks alone."""
    return any(record[column] not in (None, -1) for record in records)


def _declare_why(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser)
    parser.output()


def _why(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.reasons import Reasons

    Reasons(invocation).show_task(given.dag_id, given.run_id, given.task_id)


def _declare_logs(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser)
    parser.add_argument(
        "--try", dest="try_number", type=whole_number, metavar="N", help="which try (default: the newest)"
    )
    parser.add_argument("-F", "--follow", action="store_true", help="go on until the task has ended")


def _logs(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.cli.logs import show_log

    return show_log(invocation, given)


def _declare_test(parser: Parser) -> None:
    dag_place(parser)
    task_place(parser)
    parser.add_argument(
        "-l",
        "--logical-date",
        type=moment,
        metavar="D",
        help="logical date of the run made up for it (default: now)",
    )
    parser.add_argument("-c", "--conf", type=json_object, metavar="JSON", help="conf of that run")
    parser.add_argument("-r", "--run-id", metavar="RUN", help="use this run's dates, conf and XComs instead")


def _test(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.agent.logs import ending
    from tradewind.app.one_task import try_task
    from tradewind.model.outcomes import Failed

    tried = try_task(
        invocation.system,
        given.dag_id,
        given.task_id,
        logical_date=invocation.aware(given.logical_date),
        conf=given.conf,
        run_id=given.run_id,
    )
    for key, value in tried.xcoms:
        invocation.printer.line(f"XCom {key}: {value.decode()}")
    invocation.printer.line(ending(tried.outcome))
    return 1 if isinstance(tried.outcome, Failed) else 0


def _declare_clear(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser, optional=True)
    task_place(parser, optional=True)
    selection(parser)
    date_range(parser)
    declare_clearing(parser)


def _clear(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.clearing import clear, runs_around, wish_of

    if given.run_id is not None:
        run = invocation.run_of(given.dag_id, given.run_id)
        runs = runs_around(invocation, run, past=given.past, future=given.future)
    else:
        invocation.system.dags.get(given.dag_id)
        if given.from_date is None and given.to_date is None:
            raise UsageError("Say which runs: give a run id, or --from-date and --to-date.")
        runs = invocation.system.runs.find(
            given.dag_id,
            since=invocation.aware(given.from_date),
            until=invocation.aware(given.to_date),
            limit=None,
            newest_first=False,
        )
        if not runs:
            raise NotFound("run of the DAG", given.dag_id, cure="No run has a logical date between these.")
    task_ids = () if given.task_id is None else (given.task_id,)
    wish = wish_of(given, task_ids, everything=not task_ids and given.task_regex is None)
    clear(invocation, runs, wish, dry_run=given.dry_run, yes=given.yes)


def _declare_mark(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser)
    parser.add_argument(
        "--state", required=True, choices=("success", "failed", "skipped"), help="what to mark it"
    )
    relatives(parser)
    parser.yes()
    parser.output()


def _mark(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.marking import mark_tasks

    mark_tasks(
        invocation,
        invocation.run_of(given.dag_id, given.run_id),
        (given.task_id,),
        given.state,
        upstream=given.upstream,
        downstream=given.downstream,
        past=given.past,
        future=given.future,
        yes=given.yes,
    )


def _declare_note(parser: Parser) -> None:
    dag_place(parser)
    run_place(parser)
    task_place(parser)
    declare_note(parser)


def _note(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.marking import note

    run = invocation.run_of(given.dag_id, given.run_id)
    note(invocation, run, given.text, given.task_id)


COMMANDS = (
    Command("list", "list the tasks of a DAG", _declare_list, _list),
    Command("states", "the states of the tasks of a run", _declare_states, _states),
    Command("why", "why a task waits, or ended as it did", _declare_why, _why),
    Command("logs", "print the log of a task", _declare_logs, _logs),
    Command("test", "run the code of one task here, and record nothing", _declare_test, _test),
    Command("clear", "let tasks of a run, or of many, go again", _declare_clear, _clear),
    Command("mark", "set a task to a state by hand", _declare_mark, _mark),
    Command("note", "show or write the note on a task of a run", _declare_note, _note),
)
