"""``tradewind dags``: what there is, what it looks like, and whether it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tradewind.cli.arguments import dag_id, dag_place, json_object, moment, run_id
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, whole_number
from tradewind.cli.records import (
    dag_record,
    import_error_record,
    run_record,
    task_record,
)
from tradewind.cli.run import declare_request, run_and_show
from tradewind.cli.runs import declare_filters, list_runs
from tradewind.errors import NotFound, TradewindError

_COLUMNS = ("dag_id", "relative_fileloc", "timetable_summary", "owners", "is_paused", "next_dagrun_run_after")


def _record_of(invocation: Invocation, row: Any) -> dict[str, Any]:
    from tradewind.timetables import resolve

    spec = None if row.version_id is None else invocation.system.dags.load_version(row.version_id).spec
    schedule = None
    if spec is not None:
        try:
            schedule = resolve(spec.timetable).summary
        except TradewindError:
            schedule = spec.timetable.type if spec.timetable else None
        if spec.asset_schedule is not None:
            schedule = f"Asset or {schedule}" if spec.timetable is not None else "Asset"
    return dag_record(row, spec, schedule)


def _declare_list(parser: Parser) -> None:
    parser.add_argument(
        "--paused", action="store_true", default=None, help="only those that are switched off"
    )
    parser.add_argument(
        "--active", dest="paused", action="store_false", default=None, help="only those that are switched on"
    )
    parser.add_argument(
        "--all", action="store_true", help="also those whose file is gone or cannot be imported"
    )
    parser.limit(1000)
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    rows = invocation.system.dags.find(paused=given.paused, with_stale=given.all)
    records = [_record_of(invocation, row) for row in rows[: given.limit]]
    folder = invocation.system.settings.core.dags_folder
    invocation.printer.records(
        records,
        _COLUMNS,
        f"There are no DAGs yet. They are imported from {folder} while `tradewind up` runs; `tradewind run FILE` runs one "
        f"without that.",
    )
    broken = len(invocation.system.imports.errors())
    if broken:
        invocation.say(f"{broken} import errors: `tradewind dags list-import-errors` lists them.")
    if len(rows) > given.limit:
        invocation.say(f"{len(rows) - given.limit} more; raise --limit to see them.")


def _declare_dag_output(parser: Parser) -> None:
    dag_place(parser)
    parser.output()


def _show(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.graphs import as_tree
    from tradewind.cli.upcoming import held_back
    from tradewind.logic.plan import Plan

    system, printer = invocation.system, invocation.printer
    row = system.dags.get(given.dag_id)
    version = system.dags.current_version(given.dag_id)
    warnings = [f"{one.kind}: {one.message}" for one in system.imports.warnings(given.dag_id)]
    held = held_back(system, row, version.spec, system.clock.now())
    if held is not None:
        warnings.append(f"catch-up: {held}")
    tasks = [task_record(task, given.dag_id) for task in version.spec.tasks]
    record = {
        **_record_of(invocation, row),
        "version_number": version.number,
        "files": [file.path for file in version.files],
        "warnings": warnings,
        "tasks": tasks,
    }
    printer.record(record, leave_out=("tasks",))
    if printer.for_people:
        printer.line()
        for line in as_tree(Plan(version.spec)):
            printer.line(line)


def _declare_graph(parser: Parser) -> None:
    dag_place(parser)
    parser.add_argument(
        "--format", choices=("text", "dot", "mermaid"), default="text", help="how the graph is written"
    )
    parser.output()


def _graph(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.graphs import as_dot, as_mermaid, as_tree
    from tradewind.logic.plan import Plan

    spec = invocation.system.dags.current_version(given.dag_id).spec
    if given.output in ("json", "yaml"):
        edges = [
            {"source_id": task.task_id, "target_id": after}
            for task in spec.tasks
            for after in task.downstream
        ]
        nodes = [{"id": task.task_id, "operator": task.operator} for task in spec.tasks]
        invocation.printer.value({"dag_id": spec.dag_id, "nodes": nodes, "edges": edges})
        return
    lines = {
        "text": lambda: as_tree(Plan(spec)),
        "dot": lambda: as_dot(spec),
        "mermaid": lambda: as_mermaid(spec),
    }
    for line in lines[given.format]():
        invocation.printer.line(line)


def _declare_trigger(parser: Parser) -> None:
    dag_place(parser)
    parser.add_argument(
        "-l", "--logical-date", type=moment, metavar="D", help="logical date of the run (default: now)"
    )
    parser.add_argument("-r", "--run-id", type=run_id, metavar="RUN", help="id of the run")
    parser.add_argument(
        "-c", "--conf", type=json_object, metavar="JSON", help="what the run is given as its conf"
    )
    parser.add_argument("--note", metavar="TEXT", help="a note for people")
    parser.output()


def _trigger(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import TriggerRun

    row = invocation.system.dags.get(given.dag_id)
    result = invocation.command(
        TriggerRun(
            dag_id=given.dag_id,
            run_id=given.run_id,
            logical_date=invocation.aware(given.logical_date),
            conf=given.conf or {},
            note=given.note,
        ),
        goes_on=True,
    )
    if row.paused:
        invocation.say(f"The DAG is switched off; the run waits for `tradewind dags unpause {given.dag_id}`.")
    run = invocation.system.runs.get(given.dag_id, result["run_id"])
    invocation.printer.record(run_record(run), leave_out=("end_date", "duration", "reason", "start_date"))


def _declare_pause(parser: Parser) -> None:
    parser.place("dag_ids", "ids of the DAGs", kind=dag_id, many=True)
    parser.output()


def _pause(invocation: Invocation, given: argparse.Namespace) -> None:
    _switch(invocation, given.dag_ids, paused=True)


def _unpause(invocation: Invocation, given: argparse.Namespace) -> None:
    _switch(invocation, given.dag_ids, paused=False)


def _switch(invocation: Invocation, dag_ids: list[str], *, paused: bool) -> None:
    from tradewind.model.commands import SetPaused

    for one in dag_ids:
        invocation.system.dags.get(one)
    for one in dag_ids:
        invocation.command(SetPaused(dag_id=one, paused=paused), goes_on=not paused)
    records = [{"dag_id": one, "is_paused": paused} for one in dag_ids]
    invocation.printer.records(records, ("dag_id", "is_paused"))


def _declare_next(parser: Parser) -> None:
    dag_place(parser)
    parser.add_argument(
        "-n",
        "--num-executions",
        type=whole_number,
        default=1,
        metavar="N",
        help="how many runs to come (default 1)",
    )
    parser.output()


def _next(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.upcoming import held_back, runs_to_come

    row = invocation.system.dags.get(given.dag_id)
    spec = invocation.system.dags.current_version(given.dag_id).spec
    now = invocation.system.clock.now()
    found = runs_to_come(invocation.system, row, spec, now, given.num_executions)
    held = held_back(invocation.system, row, spec, now)
    if held is not None:
        invocation.say(f"The DAG is held back: {held}")
    if row.paused:
        invocation.say(
            f"The DAG is switched off: none of these is made before `tradewind dags unpause {given.dag_id}`."
        )
    records = [
        {
            "dag_id": given.dag_id,
            "logical_date": one.logical_date,
            "data_interval_start": one.interval.start,
            "data_interval_end": one.interval.end,
            "run_after": one.run_after,
        }
        for one in found
    ]
    columns = ("logical_date", "data_interval_start", "data_interval_end", "run_after")
    invocation.printer.records(records, columns, "Its schedule has no further run.")


def _declare_catchup(parser: Parser) -> None:
    dag_place(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--confirm", action="store_true", help="make up for all runs that are due")
    which.add_argument(
        "--skip", action="store_true", help="make the newest run that is due, and none of the others"
    )
    parser.output()


def _catchup(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import CatchUp

    result = invocation.command(CatchUp(dag_id=given.dag_id, skip=given.skip))
    invocation.printer.record({"dag_id": given.dag_id, "skipped": given.skip, **result})


def _why(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.reasons import Reasons

    Reasons(invocation).show_dag(given.dag_id)


def _declare_test(parser: Parser) -> None:
    parser.place("file_or_dag", "a DAG file, or the id of a DAG that was imported")
    declare_request(parser)


def _test(invocation: Invocation, given: argparse.Namespace) -> int:
    file, dag = Path(given.file_or_dag), given.dag_id
    if not file.is_file():
        if file.suffix == ".py" or "/" in given.file_or_dag:
            raise NotFound("file", given.file_or_dag)
        row = invocation.system.dags.get(given.file_or_dag)
        file, dag = Path(row.folder) / row.file, row.dag_id
        if not file.is_file():
            raise NotFound(
                "file", str(file), cure=f"The DAG {dag!r} was imported from there; the file is gone."
            )
    return run_and_show(invocation, given, file, dag, "inline")


def _declare_delete(parser: Parser) -> None:
    dag_place(parser)
    parser.yes()


def _delete(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import DeleteDag

    system = invocation.system
    system.dags.get(given.dag_id)
    runs = system.runs.count(given.dag_id)
    invocation.confirm(f"Delete the DAG {given.dag_id} with its {runs} runs?", yes=given.yes)
    invocation.command(DeleteDag(dag_id=given.dag_id))
    invocation.say(f"Deleted the DAG {given.dag_id} with its {runs} runs.")


def _declare_output(parser: Parser) -> None:
    parser.output()


def _import_errors(invocation: Invocation, given: argparse.Namespace) -> int:
    records = [import_error_record(row) for row in invocation.system.imports.errors()]
    invocation.printer.records(records, ("filename", "line", "message"), "Every DAG file could be imported.")
    return 0


def _declare_nothing(parser: Parser) -> None:
    """It takes no options of its own."""


def _reserialize(invocation: Invocation, given: argparse.Namespace) -> int:
    from tradewind.app.importing import import_folder

    import_folder(invocation.system)
    folder = str(invocation.system.settings.core.dags_folder.resolve())
    invocation.say(f"{len(invocation.system.dags.find(folder=folder))} DAGs of {folder} are stored.")
    errors = invocation.system.imports.errors(folder)
    for row in errors:
        place = f"{row.file}:{row.line}" if row.line else row.file
        invocation.say(f"{place}: {row.message}")
    return 1 if errors else 0


def _versions(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.versions import show_versions

    show_versions(invocation, given.dag_id)


def _declare_diff(parser: Parser) -> None:
    dag_place(parser)
    parser.place(
        "old", "number of a version (default: the one before the other)", kind=whole_number, optional=True
    )
    parser.place("new", "number of a version (default: the current one)", kind=whole_number, optional=True)
    parser.output()


def _diff(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.versions import show_difference

    show_difference(invocation, given.dag_id, given.old, given.new)


def _declare_list_runs(parser: Parser) -> None:
    dag_place(parser)
    declare_filters(parser)


COMMANDS = (
    Command("list", "list the DAGs", _declare_list, _list),
    Command("show", "show a DAG: its settings, its warnings and its tasks", _declare_dag_output, _show),
    Command("graph", "draw the graph of a DAG", _declare_graph, _graph),
    Command("trigger", "make a run of a DAG now", _declare_trigger, _trigger),
    Command("pause", "switch DAGs off", _declare_pause, _pause),
    Command("unpause", "switch DAGs on", _declare_pause, _unpause),
    Command("next", "the runs to come of a DAG", _declare_next, _next),
    Command("catchup", "let a DAG make up for what it missed, or not", _declare_catchup, _catchup),
    Command("why", "why a DAG makes runs, or none", _declare_dag_output, _why),
    Command("test", "run a DAG once in this very process, where a debugger can follow", _declare_test, _test),
    Command("list-runs", "list the runs of a DAG", _declare_list_runs, list_runs),
    Command("list-import-errors", "list what could not be imported", _declare_output, _import_errors),
    Command(
        "reserialize",
        "import all DAG files now, with or without `tradewind up`",
        _declare_nothing,
        _reserialize,
    ),
    Command("versions", "list the versions of a DAG", _declare_dag_output, _versions),
    Command("diff", "what a version of a DAG changed", _declare_diff, _diff),
    Command("delete", "forget a DAG whose file is gone, with all its runs", _declare_delete, _delete),
)
