"""Clearing: which task instances go again, shown before it happens."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind.cli.instances import names_for, narrowed, task_of
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import UsageError
from tradewind.cli.records import task_instance_record
from tradewind.errors import NotFound
from tradewind.logic.plan import Plan
from tradewind.model.run import RunRow, TaskInstanceRow
from tradewind.model.states import TaskState

FAILED = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which tasks of a run are to go again. Where nothing names any: what failed, and all downstream of it."""

    task_ids: tuple[str, ...] = ()
    regex: str | None = None
    upstream: bool = False
    downstream: bool = False
    only_failed: bool = False
    everything: bool = False


def chosen(plan: Plan, instances: Sequence[TaskInstanceRow], wish: Wish) -> set[str]:
    """The ids of the tasks that go again.

    :raises NotFound: for a task that the run's version of the DAG does not have.
    """
    failed = {plan.index[it.task_id] for it in instances if it.state in FAILED and it.task_id in plan.index}
    numbers = _named(plan, wish)
    if numbers is None:
        numbers = set(range(len(plan))) if wish.everything else plan.reach(failed)
    if wish.upstream:
        numbers = numbers | plan.reach_up(numbers)
    if wish.downstream:
        numbers = plan.reach(numbers)
    if wish.only_failed:
        numbers &= failed
    return {plan.tasks[number].task_id for number in numbers}


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

    found: list[tuple[RunRow, list[TaskInstanceRow]]] = []
    for run in runs:
        plan = Plan(invocation.system.dags.load_version(run.info.version_id).spec)
        instances = invocation.system.runs.task_instances(run.pk)
        wanted = chosen(plan, instances, wish)
        rows = narrowed((it for it in instances if it.task_id in wanted), wish.task_ids)
        if rows:
            found.append((run, rows))
    records = [task_instance_record(run, row) for run, rows in found for row in rows]
    columns = (
        ("run_id", "task_id", "state", "try_number") if len(runs) > 1 else ("task_id", "state", "try_number")
    )
    invocation.printer.records(records, columns, "Nothing to clear: no task of it fits.")
    if dry_run or not found:
        return
    invocation.confirm(f"Let {len(records)} task instances of {len(found)} runs go again?", yes=yes)
    for place, (run, rows) in enumerate(found):
        task_ids = names_for(rows, wish.task_ids)
        command = ClearTasks(dag_id=run.info.dag_id, run_id=run.info.run_id, task_ids=task_ids)
        if place == len(found) - 1:
            invocation.command(command, goes_on=True)  # once is enough to say that no scheduler runs
        else:
            invocation.system.command(command)


def wish_of(given: argparse.Namespace, task_id: str | None) -> Wish:
    """What the options of ``tasks clear`` ask for."""
    return Wish(
        task_ids=() if task_id is None else (task_id,),
        regex=given.task_regex,
        upstream=given.upstream,
        downstream=given.downstream,
        only_failed=given.only_failed,
        everything=task_id is None and given.task_regex is None,
    )
