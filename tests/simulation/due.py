"""Due runs, by a naive reading of each schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from .evidence import EPOCH, Broken

if TYPE_CHECKING:
    from .world import World


def due_runs_are_there(world: World) -> Iterator[Broken]:
    """(1) At a moment when the scheduler has nothing to do: no run is due and not there."""
    now = world.clock.peek() - timedelta(seconds=0.01)  # what a turn took
    for dag in world.rows("SELECT * FROM dag WHERE NOT paused AND NOT is_stale"):
        spec = world.files.specs.get(dag["version_id"])
        if spec is None or "step" not in spec.extra:
            continue
        runs = world.rows("SELECT scheduled_date, state FROM dag_run WHERE dag_id = ?", dag["dag_id"])
        if sum(run["state"] not in ("success", "failed") for run in runs) >= spec.max_active_runs:
            continue
        made = {
            EPOCH + timedelta(microseconds=run["scheduled_date"]) for run in runs if run["scheduled_date"]
        }
        step = timedelta(seconds=spec.extra["step"])
        assert spec.start_date is not None
        assert spec.end_date is not None
        newest = now - (now - EPOCH) % step - step
        wanted, date = [], spec.start_date
        while date <= min(newest, spec.end_date):
            if spec.catchup or (date == newest and not any(other > date for other in made)):
                wanted.append(date)
            date += step
        for date in wanted:
            if date not in made:
                yield Broken("1", f"{dag['dag_id']}: the run of {date} is due, and was not made by {now}")
