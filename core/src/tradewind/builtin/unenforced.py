"""What a DAG may ask for and this version does not do: said where the DAG is listed, since silence would be believed."""

from __future__ import annotations

from collections.abc import Iterator

from tradewind.logic.assets import mentioned
from tradewind.model.assets import AssetSpec
from tradewind.model.spec import DagSpec
from tradewind.plugins import Problem


def unenforced(dag: DagSpec) -> Iterator[Problem]:
    """A warning for each thing that will not happen."""
    for asset in sorted({it.label for it in _watched(dag)}):
        yield _warning(
            f"the watchers of asset {asset!r} do not watch yet: say that it was updated with `tradewind assets trigger`"
        )
    for task in dag.tasks:
        if task.extra.get("run_as_user"):
            yield _warning(
                "run_as_user is not heeded yet: tasks run as the user who started Tradewind", task.task_id
            )


def _watched(dag: DagSpec) -> Iterator[AssetSpec]:
    """The assets with watchers."""
    waited = mentioned(dag.asset_schedule) if dag.asset_schedule is not None else ()
    told = (it for task in dag.tasks for it in (*task.outlets, *task.inlets))
    yield from (it for it in (*waited, *told) if it.watchers)


def _warning(message: str, task_id: str | None = None) -> Problem:
    return Problem(message=message, severity="warning", task_id=task_id)
