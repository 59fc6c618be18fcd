"""What a DAG may ask for and this version does not do: said where the DAG is listed, since silence would be believed."""

from __future__ import annotations

from collections.abc import Iterator

from tradewind.model.spec import DagSpec
from tradewind.plugins import Problem


def unenforced(dag: DagSpec) -> Iterator[Problem]:
    """A warning for each thing that will not happen."""
    for task in dag.tasks:
        if task.extra.get("run_as_user"):
            yield _warning(
                "run_as_user is not heeded yet: tasks run as the user who started Tradewind", task.task_id
            )


def _warning(message: str, task_id: str | None = None) -> Problem:
    return Problem(message=message, severity="warning", task_id=task_id)
