"""``tradewind pools``: slots that tasks share."""

from __future__ import annotations

import argparse
from collections import Counter

from tradewind.cli.arguments import pool_name
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import pool_record

_COLUMNS = (
    "name",
    "slots",
    "occupied_slots",
    "scheduled_slots",
    "open_slots",
    "include_deferred",
    "description",
)


def _name_place(parser: Parser) -> None:
    parser.place("name", "name of the pool", kind=pool_name)


def _declare_list(parser: Parser) -> None:
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    used = _used(invocation)
    records = [pool_record(row, used.get(row.name, {})) for row in invocation.system.pools.all()]
    invocation.printer.records(records, _COLUMNS)


def _used(invocation: Invocation) -> dict[str, dict[str, int]]:
    """For each pool: how many slots the tasks of open runs take, by state."""
    from tradewind.logic.plan import Plan

    system = invocation.system
    plans: dict[str, Plan] = {}
    used: dict[str, Counter[str]] = {}
    for loaded in system.runs.open_runs():
        version_id = loaded.run.info.version_id
        if version_id not in plans:
            plans[version_id] = Plan(system.dags.load_version(version_id).spec)
        plan = plans[version_id]
        for it in loaded.task_instances:
            if it.state is not None and it.task_id in plan.index:
                task = plan.tasks[plan.index[it.task_id]]
                used.setdefault(task.pool, Counter())[it.state] += task.pool_slots
    return {pool: dict(states) for pool, states in used.items()}


def _declare_get(parser: Parser) -> None:
    _name_place(parser)
    parser.output()


def _get(invocation: Invocation, given: argparse.Namespace) -> None:
    row = invocation.system.pools.get(given.name)
    invocation.printer.record(pool_record(row, _used(invocation).get(row.name, {})))


def _declare_set(parser: Parser) -> None:
    _name_place(parser)
    parser.place("slots", "number of slots; -1: no limit", kind=_slots)
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument(
        "--include-deferred",
        action=argparse.BooleanOptionalAction,
        help="let tasks that wait deferred keep their slots (as a new pool does not)",
    )


def _slots(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -2
    if number < -1 or number > 2**31 - 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of slots: give 0 or more, or -1 for no limit"
        )
    return number


def _set(invocation: Invocation, given: argparse.Namespace) -> None:
    invocation.system.pools.set(
        given.name, given.slots, given.description, include_deferred=given.include_deferred
    )
    _tell_scheduler(invocation, given.name)
    invocation.say(f"The pool {given.name} has {given.slots if given.slots >= 0 else 'unlimited'} slots.")


def _delete(invocation: Invocation, given: argparse.Namespace) -> None:
    invocation.system.pools.delete(given.name)
    _tell_scheduler(invocation, given.name)
    invocation.say(f"Deleted the pool {given.name}.")


def _tell_scheduler(invocation: Invocation, name: str) -> None:
    """One that starts later reads the pools by itself."""
    from tradewind.model.commands import PoolChanged

    if invocation.system.scheduler is not None:
        invocation.system.submit(PoolChanged(name=name))


def _declare_delete(parser: Parser) -> None:
    _name_place(parser)


COMMANDS = (
    Command("list", "list the pools, and how many of their slots are in use", _declare_list, _list),
    Command("get", "show a pool", _declare_get, _get),
    Command("set", "make a pool, or change it", _declare_set, _set),
    Command("delete", "forget a pool", _declare_delete, _delete),
)
