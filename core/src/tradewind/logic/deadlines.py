"""By when a run is to have succeeded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tradewind.model.run import RunInfo
from tradewind.model.spec import DeadlineSpec

AverageRuntime = Callable[[str, int, int], float | None]
"""Seconds that the newest (at most so many, at least so many) successful runs of a DAG took on average."""


def due_at(
    spec: DeadlineSpec, info: RunInfo, queued_at: datetime, average: AverageRuntime
) -> datetime | None:
    """When the alert is due; ``None`` where what it counts from is not there."""
    after = timedelta(seconds=spec.interval)
    match spec.reference:
        case "queued_at":
            return queued_at + after
        case "logical_date":
            return None if info.logical_date is None else info.logical_date + after
        case "fixed":
            return None if spec.moment is None else spec.moment + after
        case "average_runtime":
            seconds = average(info.dag_id, spec.max_runs, spec.min_runs)
            return None if seconds is None else queued_at + timedelta(seconds=seconds) + after
    return None
