"""Marking tasks, and notes: what people say about runs and tasks."""

from __future__ import annotations

from collections.abc import Sequence

from tradewind.cli.clearing import runs_around
from tradewind.cli.invocation import Invocation
from tradewind.cli.records import Record, task_instance_record
from tradewind.errors import NotFound
from tradewind.logic.plan import Plan
from tradewind.model.commands import MarkTasks, SetNote
from tradewind.model.run import RunRow
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
    wanted = {one.pk: _tasks(invocation, one, task_ids, upstream, downstream) for one in runs}
    if not wanted[run.pk]:
        known = [it.task_id for it in system.runs.task_instances(run.pk)]
        missing = next(task_id for task_id in task_ids if task_id not in known)
        raise NotFound(f"task of the run {run.info.run_id!r} named", missing, known)
    number = sum(len(some) for some in wanted.values())
    invocation.confirm(f"Mark {number} tasks of {len(runs)} runs {state}?", yes=yes)
    records: list[Record] = []
    for one in runs:
        if not wanted[one.pk]:
            continue
        seen = {it.task_id: it.state for it in system.runs.task_instances(one.pk)}
        command = MarkTasks(
            dag_id=one.info.dag_id,
            run_id=one.info.run_id,
            task_ids=tuple(wanted[one.pk]),
            state=TaskState(state),
            seen={task_id: seen[task_id] for task_id in wanted[one.pk]},
        )
        result = invocation.command(command, goes_on=True) if one.pk == run.pk else system.command(command)
        _tell(invocation, one, state, result)
        records += [
            task_instance_record(one, it)
            for it in system.runs.task_instances(one.pk)
            if it.task_id in wanted[one.pk]
        ]
    columns = ("task_id", "state", "reason") if len(runs) == 1 else ("run_id", "task_id", "state", "reason")
    invocation.printer.records(records, columns)


def _tasks(
    invocation: Invocation, run: RunRow, task_ids: Sequence[str], upstream: bool, downstream: bool
) -> list[str]:
    """The tasks of the run that are meant; nothing where its version does not have all of those that were named."""
    plan = Plan(invocation.system.dags.load_version(run.info.version_id).spec)
    if any(task_id not in plan.index for task_id in task_ids):
        return []
    named = {plan.index[task_id] for task_id in task_ids}
    found = set(named)
    if upstream:
        found |= plan.reach_up(named)
    if downstream:
        found |= plan.reach(named)
    return [plan.tasks[number].task_id for number in sorted(found)]


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


def note(
    invocation: Invocation, run: RunRow, text: str | None, task_id: str | None = None, map_index: int = -1
) -> None:
    """Show the note on a run or a task instance, or write it; empty text takes it away."""
    dag_id, run_id, system = run.info.dag_id, run.info.run_id, invocation.system
    record: Record = {"dag_id": dag_id, "run_id": run_id}
    if task_id is not None:
        known = system.runs.task_instances(run.pk)
        if not any((it.task_id, it.map_index) == (task_id, map_index) for it in known):
            raise NotFound(f"task of the run {run_id!r} named", task_id, [it.task_id for it in known])
        record |= {"task_id": task_id, "map_index": map_index}
    if text is not None:
        invocation.command(
            SetNote(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index, note=text or None)
        )
    if task_id is None:
        record["note"] = system.runs.get(dag_id, run_id).info.note
    else:
        instances = system.runs.task_instances(run.pk, task_id)
        record["note"] = next(it.note for it in instances if it.map_index == map_index)
    invocation.printer.record(record)
