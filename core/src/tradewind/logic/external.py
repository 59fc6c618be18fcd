"""Waiting for runs of another DAG: from what there is to whether the waiting is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradewind.model.spec import DagSpec
from tradewind.model.waits import FoundRun, RunsAwaited, Verdict


def tasks_awaited(awaited: RunsAwaited, spec: DagSpec) -> tuple[str, ...]:
    """The tasks that are waited for in a run of that version; empty: the run itself is, or the group is not there."""
    if awaited.group_id is None:
        return awaited.task_ids
    inside = {awaited.group_id}
    for group in spec.groups:  # a group comes before those inside of it
        if group.parent in inside:
            inside.add(group.group_id)
    return tuple(task.task_id for task in spec.tasks if task.group_id in inside)


def missing(awaited: RunsAwaited, spec: DagSpec | None) -> str | None:
    """What is waited for and can never come, since there is no such thing; ``None`` where all is there.

    :param spec: the DAG as it is now; ``None``: there is none.
    """
    if spec is None:
        return f"there is no DAG {awaited.dag_id!r}"
    if awaited.group_id is not None and awaited.group_id not in {group.group_id for group in spec.groups}:
        return f"DAG {awaited.dag_id!r} has no task group {awaited.group_id!r}"
    known = {task.task_id for task in spec.tasks}
    unknown = [task_id for task_id in awaited.task_ids if task_id not in known]
    return f"DAG {awaited.dag_id!r} has no task {unknown[0]!r}" if unknown else None


def judge(awaited: RunsAwaited, runs: Sequence[FoundRun]) -> tuple[Verdict, str]:
    """Whether the waiting is over, and why. Failed goes before skipped, and both before success."""
    states = [(label, state) for run in runs for label, state in _states(awaited, run)]
    for verdict, wanted in (("failed", awaited.failed), ("skipped", awaited.skipped)):
        hit = next(((label, state) for label, state in states if state in wanted), None)
        if hit is not None:
            return ("failed" if verdict == "failed" else "skipped"), f"{hit[0]} is {hit[1]}"
    for name, run in _each_wanted(awaited, runs):
        if run is None:
            return "waits", f"DAG {awaited.dag_id!r} has no run {name} yet"
        own = list(_states(awaited, run))
        if not own:
            return "waits", f"run {run.run_id} of {awaited.dag_id!r} has none of the tasks"
        late = next(((label, state) for label, state in own if state not in awaited.allowed), None)
        if late is not None:
            return "waits", f"{late[0]} is {late[1] or 'not looked at yet'}"
    return "success", "everything that was waited for is there"


def _each_wanted(awaited: RunsAwaited, runs: Sequence[FoundRun]) -> Iterable[tuple[str, FoundRun | None]]:
    """For each run that must be there: its name, and the run if it is there (the newest, where there are several)."""
    by_date = {run.logical_date: run for run in runs}
    by_id = {run.run_id: run for run in runs}
    for moment in awaited.logical_dates:
        yield f"of {moment.isoformat()}", by_date.get(moment)
    for run_id in awaited.run_ids:
        yield repr(run_id), by_id.get(run_id)


def _states(awaited: RunsAwaited, run: FoundRun) -> Iterable[tuple[str, str | None]]:
    if not awaited.task_ids and awaited.group_id is None:
        yield f"run {run.run_id} of {awaited.dag_id}", run.state
        return
    for task_id, states in run.tasks.items():
        for state in states:
            yield f"{awaited.dag_id}.{task_id} in run {run.run_id}", state
