"""Skips what is behind it in runs that are not the newest."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from tradewind.authoring.operator import BaseOperator
from tradewind.logic.latest import is_latest
from tradewind.model.outcomes import Branched
from tradewind.model.run import DataInterval
from tradewind.model.states import RunType
from tradewind.timetables import Bounds, Timetable, resolve


class LatestOnlyOperator(BaseOperator):
    """Lets the tasks directly behind it go on only in the newest run of the schedule.

    A run that a person asked for always goes on. Tasks further behind follow their trigger rules.
    """

    chooses = True

    ui_color = "#e9ffdb"

    def execute(self, context: MutableMapping[str, Any]) -> None:
        run = context["dag_run"]
        start = context.get("data_interval_start") or run.logical_date or run.run_after
        end = context.get("data_interval_end") or start
        now = context["ti"].start_date
        next_end = self._next_end(DataInterval(start, end), now)
        if not is_latest(RunType(run.run_type), start, next_end, now):
            reason = f"not the latest run: the next interval ended at {next_end}, and it is {now}"
            context["ti"].decide(Branched(reason=reason))

    def _next_end(self, interval: DataInterval, now: datetime) -> datetime | None:
        schedule = self.dag.schedule if self.dag is not None else None
        timetable = (
            schedule if isinstance(schedule, Timetable) else resolve(self.dag.timetable if self.dag else None)
        )
        following = timetable.next_run(interval, Bounds(), now)
        return following.interval.end if following is not None else None
