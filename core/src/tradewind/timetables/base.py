"""What a timetable is: it says which run follows, and knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradewind.model.run import DataInterval


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to come.

    :param run_after: the earliest moment at which it may start.
    :param interval: the data that it is about; its start is the run's logical date.
    """

    run_after: datetime
    interval: DataInterval

    @property
    def logical_date(self) -> datetime:
        """The date that stands for the run."""
        return self.interval.start


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which logical dates a DAG runs, and whether runs that were missed are made up for."""

    earliest: datetime | None = None
    latest: datetime | None = None
    catchup: bool = True


class Timetable(Protocol):
    """When a DAG runs."""

    @property
    def summary(self) -> str:
        """The schedule in a few characters, for lists."""
        ...

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """The scheduled run that follows.

        :param last: the interval of the newest scheduled run, ``None`` where there was none.
        :param now: matters only without catch-up, and where the DAG has no start date.
        :returns: ``None`` where there is no further run.
        """
        ...

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The data interval of a run that somebody triggers at ``run_after``."""
        ...
