"""Marking tasks, and notes: what people say about runs and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tradewind.cli.clearing import runs_around
from tradewind.cli.instances import find_instance, narrowed, task_of
from tradewind.cli.invocation import Invocation
from tradewind.cli.records import Record, task_instance_record
from tradewind.errors import NotFound
from tradewind.logic.plan import Plan
from tradewind.model.commands import MarkTasks, SetNote
from tradewind.model.run import RunRow, TaskInstanceRow
from tradewind.model.states import TaskState


def mark_tasks(
    invocation: Invocation,
    run: RunRow,
    task_ids: Sequence[str],
    state: str,
    *,
    upstream: bool = False,
    downstream: bool = False,
    past: bool = False,
    future: bool = False,
    yes: bool = False,
) -> None:
    """Set tasks of a run, and of those around it, to a state.

    :raises NotFound: for a task that the run does not have.
    """
    system = invocation.system
    runs = runs_around(invocation, run, past=past, future=future)
    wanted = {one.pk: _meant(invocation, one, task_ids, upstream, downstream) for one in runs}
    if not wanted[run.pk]:
        known = [it.label for it in system.runs.task_instances(run.pk)]
        missing = next((label for label in task_ids if label not in known), task_ids[0])
        raise NotFound(f"task of the run {run.info.run_id!r} named", missing, known)
    number = sum(len(some) for some in wanted.values())
    invocation.confirm(f"Mark {number} tasks of {len(runs)} runs {state}?", yes=yes)
    records: list[Record] = []
    for one in runs:
        seen = {it.label: it.state for it in wanted[one.pk]}
        if not seen:
            continue
        command = MarkTasks(
            dag_id=one.info.dag_id,
            run_id=one.info.run_id,
            task_ids=tuple(seen),
            state=TaskState(state),
            seen=seen,
        )
        result = invocation.command(command, goes_on=True) if one.pk == run.pk else system.command(command)
        _tell(invocation, one, state, result)
        records += [
            task_instance_record(one, it) for it in system.runs.task_instances(one.pk) if it.label in seen
        ]
    columns = ("task_id", "state", "reason") if len(runs) == 1 else ("run_id", "task_id", "state", "reason")
    invocation.printer.records(records, columns)


def _meant(
    invocation: Invocation, run: RunRow, labels: Sequence[str], upstream: bool, downstream: bool
) -> list[TaskInstanceRow]:
    """The instances of the run that are meant; none where its version does not have all tasks that were named."""
    plan = Plan(invocation.system.dags.load_version(run.info.version_id).spec)
    task_ids = [task_of(label) for label in labels]
    if any(task_id not in plan.index for task_id in task_ids):
        return []
    named = {plan.index[task_id] for task_id in task_ids}
    found = set(named)
    if upstream:
        found |= plan.reach_up(named)
    if downstream:
        found |= plan.reach(named)
    meant = {plan.tasks[number].task_id for number in found}
    return narrowed(
        (it for it in invocation.system.runs.task_instances(run.pk) if it.task_id in meant), labels
    )


def _tell(invocation: Invocation, run: RunRow, state: str, result: dict[str, object]) -> None:
    """Say what became of it that nobody could see before."""
    left, cleared = result.get("left"), result.get("cleared")
    if isinstance(left, dict):
        for task_id, ended in left.items():
            invocation.say(
                f"{task_id} of {run.info.run_id} had ended {ended} before it could be marked {state}; it was left so."
            )
    if isinstance(cleared, list) and cleared:
        invocation.say(
            f"What had failed behind it goes again in {run.info.run_id}: {', '.join(map(str, cleared))}."
        )


def note(invocation: Invocation, run: RunRow, text: str | None, label: str | None = None) -> None:
    """Show the note on a run or a task instance, or write it; empty text takes it away."""
    dag_id, run_id, system = run.info.dag_id, run.info.run_id, invocation.system
    instance = None if label is None else find_instance(invocation, run, label)
    command = SetNote(dag_id=dag_id, run_id=run_id, note=text or None)
    record: Record = {"dag_id": dag_id, "run_id": run_id}
    if instance is not None:
        command = replace(command, task_id=instance.task_id, map_index=instance.map_index)
        record |= {"task_id": instance.task_id, "map_index": instance.map_index}
    if text is not None:
        invocation.command(command)
    if label is None:
        record["note"] = system.runs.get(dag_id, run_id).info.note
    else:
        record["note"] = find_instance(invocation, run, label).note
    invocation.printer.record(record)
