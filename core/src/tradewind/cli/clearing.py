"""Clearing: which task instances go again, shown before it happens."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind.cli.instances import narrowed, task_of
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import UsageError
from tradewind.cli.records import task_instance_record
from tradewind.errors import NotFound
from tradewind.logic.plan import Plan
from tradewind.logic.subset import FAILED, filtered, states_of, subset
from tradewind.model.run import RunRow, TaskInstanceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which tasks of which runs to go again. Where nothing names any task: what failed, and all downstream of it.

    :param past: of all earlier runs of the DAG too; ``future``: of all later ones.
    :param on_latest_version: the runs take the DAG's newest version.
    """

    task_ids: tuple[str, ...] = ()
    regex: str | None = None
    upstream: bool = False
    downstream: bool = False
    only_failed: bool = False
    only_running: bool = False
    everything: bool = False
    past: bool = False
    future: bool = False
    on_latest_version: bool = False


def wish_of(given: argparse.Namespace, task_ids: Sequence[str], *, everything: bool) -> Wish:
    """What the options of a clear ask for."""
    return Wish(
        task_ids=tuple(task_ids),
        regex=given.task_regex,
        upstream=given.upstream,
        downstream=given.downstream,
        only_failed=given.only_failed,
        only_running=given.only_running,
        everything=everything,
        past=given.past,
        future=given.future,
        on_latest_version=given.run_on_latest_version,
    )


def runs_around(invocation: Invocation, run: RunRow, *, past: bool, future: bool) -> list[RunRow]:
    """The run, with all earlier and later ones of its DAG as asked for, oldest first."""
    if not past and not future:
        return [run]
    moment = run.info.logical_date or run.info.run_after
    return invocation.system.runs.find(
        run.info.dag_id,
        since=None if past else moment,
        until=None if future else moment,
        limit=None,
        newest_first=False,
    )


def chosen(plan: Plan, instances: Sequence[TaskInstanceRow], wish: Wish) -> set[str]:
    """The ids of the tasks that go again.

    :raises NotFound: for a task that this version of the DAG does not have.
    """
    known = [it for it in instances if it.task_id in plan.index]
    failed = {plan.index[it.task_id] for it in known if it.state in FAILED}
    named = _named(plan, wish)
    if named is not None:
        meant = subset(plan, named, upstream=wish.upstream, downstream=wish.downstream)
    elif wish.everything:
        meant = set(range(len(plan)))
    else:
        meant = subset(plan, failed, upstream=wish.upstream, downstream=True)
    states = states_of(only_failed=wish.only_failed, only_running=wish.only_running)
    if states:
        meant = filtered(plan, meant, {plan.index[it.task_id] for it in known if it.state in states})
    return {plan.tasks[number].task_id for number in meant}


def _named(plan: Plan, wish: Wish) -> set[int] | None:
    """The tasks that were named; ``None`` where none was asked for."""
    if not wish.task_ids and wish.regex is None:
        return None
    task_ids = [task_of(label) for label in wish.task_ids]
    for task_id in task_ids:
        if task_id not in plan.index:
            raise NotFound(f"task of the DAG {plan.spec.dag_id!r} named", task_id, plan.index)
    numbers = {plan.index[task_id] for task_id in task_ids}
    if wish.regex is not None:
        try:
            pattern = re.compile(wish.regex)
        except re.error as error:
            raise UsageError(f"--task-regex {wish.regex!r} is no regular expression: {error}.") from None
        numbers |= {number for number, task in enumerate(plan.tasks) if pattern.search(task.task_id)}
    return numbers


def clear(
    invocation: Invocation, runs: Sequence[RunRow], wish: Wish, *, dry_run: bool = False, yes: bool = False
) -> None:
    """Show what would go again, ask where somebody is there to answer, and have it done."""
    from tradewind.model.commands import ClearTasks

    found = [(run, rows) for run in runs if (rows := _instances(invocation, run, wish))]
    records = [task_instance_record(run, row) for run, rows in found for row in rows]
    columns = (
        ("run_id", "task_id", "state", "try_number") if len(runs) > 1 else ("task_id", "state", "try_number")
    )
    invocation.printer.records(records, columns, "Nothing to clear: no task of it fits.")
    if dry_run or not found:
        return
    invocation.confirm(f"Let {len(records)} task instances of {len(found)} runs go again?", yes=yes)
    for place, (run, rows) in enumerate(found):
        command = ClearTasks(
            dag_id=run.info.dag_id,
            run_id=run.info.run_id,
            task_ids=_names(invocation, run, rows),
            seen={row.label: row.state for row in rows},
            run_on_latest_version=wish.on_latest_version,
        )
        last = place == len(found) - 1  # once is enough to say that no scheduler runs
        result = invocation.command(command, goes_on=True) if last else invocation.system.command(command)
        for task_id, state in result.get("left", {}).items():
            invocation.say(
                f"{task_id} of {run.info.run_id} was left alone: it has been cleared since you looked, "
                f"and is {state or 'waiting'} now."
            )


def _instances(invocation: Invocation, run: RunRow, wish: Wish) -> list[TaskInstanceRow]:
    """The instances of a run that go again; on another version, those of tasks that are new in it too."""
    instances = invocation.system.runs.task_instances(run.pk)
    dags = invocation.system.dags
    if not wish.on_latest_version:
        plan = Plan(dags.load_version(run.info.version_id).spec)
    else:
        plan = Plan(dags.current_version(run.info.dag_id).spec)
        there = {row.task_id for row in instances}
        instances += [
            TaskInstanceRow(pk=0, run_pk=run.pk, task_id=task.task_id)
            for task in plan.tasks
            if task.task_id not in there
        ]
    wanted = chosen(plan, instances, wish)
    rows = narrowed((it for it in instances if it.task_id in wanted), wish.task_ids)
    states = states_of(only_failed=wish.only_failed, only_running=wish.only_running)
    mapped = {it.task_id for it in rows if it.map_index >= 0 and it.state in states}
    return [it for it in rows if it.task_id not in mapped or it.state in states]


def _names(invocation: Invocation, run: RunRow, rows: Sequence[TaskInstanceRow]) -> tuple[str, ...]:
    """How a command names these rows: by task, but one by one where not all instances of a task are meant."""
    there = Counter(it.task_id for it in invocation.system.runs.task_instances(run.pk))
    meant = Counter(it.task_id for it in rows)
    return tuple(
        dict.fromkeys(it.label if meant[it.task_id] < there[it.task_id] else it.task_id for it in rows)
    )
