"""Whether a run is the newest that its schedule has by now."""

from __future__ import annotations

from datetime import datetime

from tradewind.model.states import RunType


def is_latest(
    run_type: RunType, interval_start: datetime, next_interval_end: datetime | None, now: datetime
) -> bool:
    """Whether no later scheduled run should have started by ``now``.

    A run asked for by a person always counts as the latest. Any other does from the start of its data
    interval until the run after it is due, which is when the next interval has ended; with no next interval,
    for ever.
    """
    if run_type is RunType.MANUAL or next_interval_end is None:
        return True
    return interval_start < now <= next_interval_end
