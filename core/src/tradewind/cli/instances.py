"""``task_id`` and ``task_id[map_index]``: how people name task instances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradewind.cli.invocation import Invocation
from tradewind.errors import NotFound
from tradewind.model.run import RunRow, TaskInstanceRow

_SHOWN = 20


def task_of(label: str) -> str:
    """The task id in a label."""
    return label.partition("[")[0]


def index_of(label: str) -> int | None:
    """The map index in a label; ``None`` where it has none."""
    _, bracket, rest = label.partition("[")
    return int(rest[:-1]) if bracket else None


def find_instance(invocation: Invocation, run: RunRow, label: str) -> TaskInstanceRow:
    """The task instance.

    :raises NotFound: naming close matches; of a mapped task its instances, where none of them is named.
    """
    runs = invocation.system.runs
    cure = f"`tradewind tasks states {run.info.dag_id} {run.info.run_id}` lists them."
    found = runs.task_instances(run.pk, task_of(label), index_of(label))
    if not found:
        known = [it.label for it in runs.task_instances(run.pk)][:1000]
        raise NotFound(f"task in the run {run.info.run_id!r} named", label, known, cure)
    if index_of(label) is None and found[0].map_index >= 0:
        names = ", ".join(it.label for it in found[:_SHOWN]) + (" ..." if len(found) > _SHOWN else "")
        raise NotFound("single instance of the mapped task", label, cure=f"Name one of {names}")
    return found[0]


def narrowed(rows: Iterable[TaskInstanceRow], labels: Sequence[str]) -> list[TaskInstanceRow]:
    """Without those of a task of which the labels name other instances alone."""
    wanted: dict[str, set[int | None]] = {}
    for label in labels:
        wanted.setdefault(task_of(label), set()).add(index_of(label))
    return [
        row
        for row in rows
        if row.task_id not in wanted or None in wanted[row.task_id] or row.map_index in wanted[row.task_id]
    ]
