"""``tradewind run FILE``: one run, watched from here to its end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tradewind.cli.arguments import dag_id, json_object, moment, run_id
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.errors import NotFound


def declare_request(parser: Parser) -> None:
    """What is asked for of a run of a file, besides the file."""
    parser.add_argument("--dag-id", type=dag_id, metavar="DAG", help="which DAG, where the file has several")
    parser.add_argument(
        "-l", "--logical-date", type=moment, metavar="D", help="logical date of the run (default: now)"
    )
    parser.add_argument(
        "-c", "--conf", type=json_object, metavar="JSON", help="what the run is given as its conf"
    )
    parser.add_argument("-r", "--run-id", type=run_id, metavar="RUN", help="id of the run")
    parser.output()


def _declare(parser: Parser) -> None:
    parser.place("file", "the DAG file", kind=Path)
    declare_request(parser)
    parser.add_argument(
        "--executor",
        metavar="NAME",
        help="local (a process for each task), inline (all in this process), or a plugin's",
    )


def _run(invocation: Invocation, given: argparse.Namespace) -> int:
    return run_and_show(invocation, given, given.file, given.dag_id, given.executor)


def run_and_show(
    invocation: Invocation, given: argparse.Namespace, file: Path, dag: str | None, executor: str | None
) -> int:
    """Run a file's DAG, show how it goes, and write the result; the exit code."""
    if not file.is_file():
        raise NotFound("file", str(file))
    from tradewind.app.one_run import RunRequest, run_file
    from tradewind.cli.progress import watching

    request = RunRequest(
        file=file,
        dag_id=dag,
        logical_date=invocation.aware(given.logical_date),
        conf=given.conf or {},
        run_id=given.run_id,
        executor=executor,
    )
    invocation.warn(invocation.system.settings.warnings)
    with watching(invocation) as watcher:
        result = run_file(invocation.system, request, watcher)
    show_result(invocation, result)
    return 0 if result["state"] == "success" else 1


def show_result(invocation: Invocation, result: dict[str, Any]) -> None:
    """The run as JSON for a program; for a person, what became of it and what to type next."""
    printer = invocation.printer
    if printer.output in ("json", "yaml"):
        printer.value(result)
    elif printer.output == "plain":
        tasks = [{"task_id": name, **task} for name, task in result["tasks"].items()]
        printer.records(tasks, ("task_id", "state", "try_number", "start_date", "end_date"))
    else:
        _show_summary(invocation, result)


def _show_summary(invocation: Invocation, result: dict[str, Any]) -> None:
    from tradewind.cli.output import sanitized
    from tradewind.cli.progress import seconds_between, spoken_span

    line = invocation.printer.line
    took = seconds_between(result["start_date"], result["end_date"])
    span = "" if took is None else f" in {spoken_span(took)}"
    line(f"{result['dag_id']} {result['run_id']}: {result['state']}{span}, {_tally(result['tasks'])}")
    if result["state"] == "success":
        return
    failed = {name: task for name, task in result["tasks"].items() if task["state"] == "failed"}
    if not failed and result.get("reason"):
        line(sanitized(str(result["reason"])))
    logs = invocation.system.settings.logs.folder
    for name, task in list(failed.items())[:10]:
        path = logs / result["dag_id"] / result["run_id"] / name / f"{task['try_number']}.log"
        line(f"  {name} failed: {sanitized(str(task.get('reason') or 'no reason given'))}")
        if path.exists():
            line(f"    log: {path}")
    if len(failed) > 10:
        line(f"  and {len(failed) - 10} more")
    if failed:
        line(f"Next: tradewind tasks why {result['dag_id']} {result['run_id']} {next(iter(failed))}")


def _tally(tasks: dict[str, Any]) -> str:
    counts: dict[str, int] = {}
    for task in tasks.values():
        state = str(task["state"] or "no state")
        counts[state] = counts.get(state, 0) + 1
    if not counts:
        return "no tasks"
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items(), key=lambda it: -it[1]))


COMMANDS = (Command("", "run one DAG run of a file to its end", _declare, _run),)
