"""Who asks the timetables of plugins, which never run in the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec
from tradewind.ports.executor import HasFileno
from tradewind.timetables import Bounds, PlannedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class TimetableQuestion:
    """Which runs follow, or what a triggered run is about.

    :param number: at most so many runs are wanted, one after the other.
    :param manual: the moment of a triggered run, whose data interval is wanted instead.
    """

    timetable: TimetableSpec
    now: datetime
    last: DataInterval | None = None
    bounds: Bounds = Bounds()  # noqa: RUF009 - frozen
    number: int = 1
    manual: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimetableAnswer:
    """What the timetable said; fewer runs than were asked for where ``ends``, or where they took long.

    :param error: why there is no answer; empty: there is one.
    """

    runs: tuple[PlannedRun, ...] = ()
    ends: bool = False
    manual: DataInterval | None = None
    error: str = ""


class PlannerHost(Protocol):
    """What a planner needs of the loop that it works in."""

    def watch(self, source: HasFileno, on_readable: Callable[[], None]) -> None: ...

    def unwatch(self, source: HasFileno) -> None: ...

    def later(self, seconds: float, call: Callable[[], None]) -> None: ...


class Planner(Protocol):
    """Asks in a process apart, and waits for an answer no longer than it may take."""

    def ask(
        self, question: TimetableQuestion, on_answer: Callable[[TimetableAnswer], None], host: PlannerHost
    ) -> None:
        """Have ``on_answer`` called from the loop, once."""
        ...

    def answer(self, question: TimetableQuestion) -> TimetableAnswer:
        """Wait for the answer, where no loop is kept waiting."""
        ...

    def close(self) -> None:
        """End the process, if there is one."""
        ...
