"""What a timetable is: it says which run follows, and knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec


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

    @classmethod
    def over(cls, start: datetime, end: datetime) -> Self:
        """The run about ``start`` to ``end``, which may start when that is over."""
        return cls(end, DataInterval(start, end))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which logical dates a DAG runs, and whether runs that were missed are made up for."""

    earliest: datetime | None = None
    latest: datetime | None = None
    catchup: bool = True


class OutOfTime(ArithmeticError):
    """There is no such time before the calendar ends. Timetables turn it into "no further run"."""


class Timetable:
    """When a DAG runs: what an author gives as ``schedule=``, and what the scheduler asks.

    A timetable of your own derives from this class, is registered by ``tradewind_register_timetables`` under its ``name``,
    and answers from its arguments alone: the same question always gets the same answer.
    """

    name: ClassVar[str] = ""  #: the name that it is registered by
    #: whether it is known by its answers alone, which come from elsewhere
    is_foreign: ClassVar[bool] = False
    #: how many runs of the DAG may be active at once; ``None``: as many as the DAG allows
    active_runs_limit: ClassVar[int | None] = None

    #: False: a run is planned at the very moment at which it is made, and no sooner
    plans_ahead: ClassVar[bool] = True

    #: False: it goes by a wall clock, and was not told whose
    has_zone: bool = True

    @property
    def summary(self) -> str:
        """The schedule in a few characters, for lists."""
        return self.name

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """The scheduled run that follows. All moments are aware, in UTC.

        :param last: the interval of the newest scheduled run, ``None`` where there was none.
        :param now: matters only without catch-up, and where the DAG has no start date.
        :returns: ``None`` where there is no further run.
        """
        raise NotImplementedError

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """The data interval of a run that somebody triggers at ``run_after``; the moment itself unless overridden."""
        return DataInterval(run_after, run_after)

    def moment_before(self, moment: datetime) -> datetime | None:
        """The schedule's last moment before ``moment``; ``None`` where it has no such moments."""
        return None

    def in_zone(self, zone: str) -> Timetable:
        """As it is in a DAG of that time zone: one that was not told its zone goes by the DAG's."""
        return self if self.has_zone else self.deserialize({**self.serialize(), "timezone": zone})

    def serialize(self) -> dict[str, Any]:
        """Its arguments as plain JSON values."""
        return {}

    @classmethod
    def deserialize(cls, data: Mapping[str, Any]) -> Self:
        """The timetable that :meth:`serialize` described; called with these as keyword arguments unless overridden."""
        return cls(**data)

    def spec(self) -> TimetableSpec:
        """What is stored of it."""
        return TimetableSpec(type=self.name, args=self.serialize())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timetable) and self.spec() == other.spec()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary}>"
