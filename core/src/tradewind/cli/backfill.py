"""``tradewind backfill``: runs for past dates of a DAG, as one object that can be looked at, paused and cancelled."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tradewind.cli.arguments import dag_place, json_object, moment
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, whole_number
from tradewind.errors import Refused
from tradewind.model.backfill import ReprocessBehavior, SlotResult
from tradewind.model.states import RUN_FINAL, RunState

if TYPE_CHECKING:
    from datetime import datetime

    from tradewind.logic.backfill import Preview
    from tradewind.model.backfill import BackfillRow
    from tradewind.store.backfills import BackfillProgress

_COLUMNS = (
    "id",
    "dag_id",
    "state",
    "from_date",
    "to_date",
    "max_active_runs",
    "total",
    "done",
    "failed",
    "created_at",
)


def _declare_create(parser: Parser) -> None:
    dag_place(parser)
    parser.add_argument("--from-date", type=moment, required=True, metavar="D", help="the first logical date")
    parser.add_argument("--to-date", type=moment, required=True, metavar="D", help="the last logical date")
    parser.add_argument(
        "--max-active-runs",
        type=whole_number,
        default=10,
        metavar="N",
        help="runs of the backfill at once, apart from those of the DAG (default 10)",
    )
    parser.add_argument(
        "--reprocess-behavior",
        choices=[str(one) for one in ReprocessBehavior],
        default="none",
        help="which runs that are there already go again (default none)",
    )
    parser.add_argument(
        "--run-backwards", action="store_true", help="the newest date first (default: the oldest)"
    )
    parser.add_argument(
        "--dag-run-conf", type=json_object, metavar="JSON", help="what each new run is given as its conf"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show which runs would be made")
    parser.output()


def _create(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import CreateBackfill

    invocation.system.dags.get(given.dag_id)
    since, until = invocation.aware(given.from_date), invocation.aware(given.to_date)
    assert since is not None
    assert until is not None
    command = CreateBackfill(
        dag_id=given.dag_id,
        from_date=since,
        to_date=until,
        max_active_runs=given.max_active_runs,
        reprocess_behavior=ReprocessBehavior(given.reprocess_behavior),
        run_backwards=given.run_backwards,
        dag_run_conf=given.dag_run_conf or {},
    )
    if given.dry_run:
        _show_preview(invocation, command, *_preview(invocation, command))
        return
    made = invocation.command(command, goes_on=True)["id"]
    invocation.say(f"`tradewind backfill show {made}` shows how far it is.")
    _print(invocation, made)


def _preview(invocation: Invocation, command: Any) -> tuple[Preview, dict[datetime, Any]]:
    """What the backfill would do as things stand, and the intervals of its dates."""
    from tradewind.cli.upcoming import timetable_of
    from tradewind.logic.backfill import check, preview
    from tradewind.timetables.slots import is_periodic, slots_between

    system = invocation.system
    spec, now = system.dags.current_version(command.dag_id).spec, system.clock.now()
    check(
        spec,
        periodic=is_periodic(spec.timetable),
        since=command.from_date,
        until=command.to_date,
        now=now,
        reprocess=command.reprocess_behavior,
        backwards=command.run_backwards,
    )
    slots = slots_between(timetable_of(system, spec), command.from_date, command.to_date, now)
    intervals = {slot.logical_date: slot.interval for slot in slots}
    if not intervals:
        raise Refused(
            f"No runs to create for DAG {command.dag_id!r}: no interval of its schedule lies there."
        )
    there = system.backfills.runs_between(command.dag_id, command.from_date, command.to_date)
    seen = preview(
        list(intervals),
        {date: [run.state for run in runs] for date, runs in there.items()},
        command.reprocess_behavior,
        backwards=command.run_backwards,
        tasks=len(spec.tasks),
    )
    return seen, intervals


def _show_preview(
    invocation: Invocation, command: Any, seen: Preview, intervals: dict[datetime, Any]
) -> None:
    runs = [
        {
            "logical_date": slot.logical_date,
            "data_interval_start": intervals[slot.logical_date].start,
            "data_interval_end": intervals[slot.logical_date].end,
            "result": str(slot.result),
        }
        for slot in seen.slots
    ]
    counts = {
        "total": len(runs),
        "created": seen.count(SlotResult.CREATED),
        "cleared": seen.count(SlotResult.CLEARED),
        "already_exists": seen.count(SlotResult.EXISTS),
        "in_flight": seen.count(SlotResult.IN_FLIGHT),
        "task_instances": seen.tasks,
    }
    if not invocation.printer.for_people:
        invocation.printer.record({"dag_id": command.dag_id, "dry_run": True, **counts, "runs": runs})
        return
    invocation.printer.records(runs, ("logical_date", "data_interval_start", "data_interval_end", "result"))
    invocation.say(
        f"Nothing was done. It would make {counts['created']} runs and let {counts['cleared']} go again, with "
        f"{seen.tasks} tasks; {counts['already_exists'] + counts['in_flight']} dates would be left alone."
    )


def _declare_list(parser: Parser) -> None:
    dag_place(parser, optional=True)
    parser.add_argument("--active", action="store_true", help="only those that are not completed")
    parser.limit()
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    system = invocation.system
    if given.dag_id is not None:
        system.dags.get(given.dag_id)
    rows = system.backfills.find(given.dag_id, open_only=given.active, limit=given.limit)
    records = [_record(row, system.backfills.progress(row.id)) for row in rows]
    invocation.printer.records(records, _COLUMNS, "There are no backfills.")


def _declare_one(parser: Parser) -> None:
    parser.place("backfill_id", "number of the backfill", kind=whole_number)
    parser.output()


def _show(invocation: Invocation, given: argparse.Namespace) -> None:
    _print(invocation, given.backfill_id)


def _print(invocation: Invocation, backfill_id: int) -> None:
    system, printer = invocation.system, invocation.printer
    row = system.backfills.get(backfill_id)
    record = _record(row, system.backfills.progress(backfill_id))
    slots = system.backfills.slots(backfill_id)
    runs = {run.pk: run for run in system.runs.rows(slot.run_pk for slot in slots if slot.run_pk)}
    ordered = reversed(slots) if row.run_backwards else slots
    shown = [
        {
            "logical_date": slot.logical_date,
            "result": str(slot.result) if slot.result else None,
            "run_id": runs[slot.run_pk].info.run_id if slot.run_pk in runs else None,
            "state": runs[slot.run_pk].state if slot.run_pk in runs else None,
        }
        for slot in ordered
    ]
    printer.record({**record, "slots": shown}, ("slots",))


def _pause(invocation: Invocation, given: argparse.Namespace) -> None:
    _switch(invocation, given.backfill_id, paused=True)


def _resume(invocation: Invocation, given: argparse.Namespace) -> None:
    _switch(invocation, given.backfill_id, paused=False)


def _switch(invocation: Invocation, backfill_id: int, *, paused: bool) -> None:
    from tradewind.model.commands import PauseBackfill

    dag_id = invocation.system.backfills.get(backfill_id).dag_id
    command = PauseBackfill(dag_id=dag_id, backfill_id=backfill_id, paused=paused)
    invocation.command(command, goes_on=not paused)
    _print(invocation, backfill_id)


def _declare_cancel(parser: Parser) -> None:
    _declare_one(parser)
    parser.yes()


def _cancel(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.model.commands import CancelBackfill

    dag_id = invocation.system.backfills.get(given.backfill_id).dag_id
    question = f"Cancel backfill {given.backfill_id} of {dag_id}? Runs that are queued end as failed."
    invocation.confirm(question, yes=given.yes)
    invocation.command(CancelBackfill(dag_id=dag_id, backfill_id=given.backfill_id), goes_on=True)
    _print(invocation, given.backfill_id)


def _record(row: BackfillRow, progress: BackfillProgress) -> dict[str, Any]:
    """A backfill, under the names of Airflow's REST API, with how far it is."""
    slots, runs = progress.slots, progress.runs
    return {
        "id": row.id,
        "dag_id": row.dag_id,
        "state": _state(row),
        "from_date": row.from_date,
        "to_date": row.to_date,
        "dag_run_conf": row.dag_run_conf,
        "is_paused": row.is_paused,
        "reprocess_behavior": row.reprocess_behavior,
        "run_backwards": row.run_backwards,
        "max_active_runs": row.max_active_runs,
        "created_at": row.created_at,
        "cancelled_at": row.cancelled_at,
        "completed_at": row.completed_at,
        "triggering_user_name": row.actor,
        "total": row.planned,
        "is_planned": row.planned_at is not None,
        "created": slots.get(SlotResult.CREATED, 0),
        "cleared": slots.get(SlotResult.CLEARED, 0),
        "already_exists": slots.get(SlotResult.EXISTS, 0),
        "in_flight": slots.get(SlotResult.IN_FLIGHT, 0),
        "queued": runs.get(RunState.QUEUED, 0),
        "running": runs.get(RunState.RUNNING, 0),
        "success": runs.get(RunState.SUCCESS, 0),
        "failed": runs.get(RunState.FAILED, 0),
        "done": sum(runs.get(state, 0) for state in RUN_FINAL),
    }


def _state(row: BackfillRow) -> str:
    if row.cancelled_at is not None:
        return "cancelled"
    if row.completed_at is not None:
        return "completed"
    if row.is_paused:
        return "paused"
    return "running"


COMMANDS = (
    Command("create", "make runs for past dates of a DAG, in order", _declare_create, _create),
    Command("list", "list backfills, newest first", _declare_list, _list),
    Command("show", "show a backfill, its progress and its dates", _declare_one, _show),
    Command("pause", "start no further run of a backfill", _declare_one, _pause),
    Command("resume", "go on with a backfill that was paused", _declare_one, _resume),
    Command(
        "cancel", "end a backfill: what runs goes on, what is queued ends as failed", _declare_cancel, _cancel
    ),
)
