"""Runs that wait for a place. Each is a few words in memory, however many tasks it has and however many wait."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from tradewind.model.backfill import ReprocessBehavior
from tradewind.model.run import DataInterval


class Waiting(Protocol):
    """A run that waits to start: a :class:`~tradewind.logic.live_run.LiveRun`, or a :class:`QueuedRun`."""

    @property
    def pk(self) -> int: ...

    @property
    def even_if_paused(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that waits to start and is read from the store when it does."""

    pk: int
    even_if_paused: bool = False


class RunQueue:
    """Runs in the order in which they came; those that start even though their DAG is switched off are found at once."""

    __slots__ = ("_held", "_number", "_order")

    def __init__(self) -> None:
        self._number = count()
        self._order: dict[int, int] = {}  # by pk: when it came
        # two lines: those that a switched-off DAG holds, and those that it does not
        self._held: tuple[OrderedDict[int, Waiting], OrderedDict[int, Waiting]] = (
            OrderedDict(),
            OrderedDict(),
        )

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, run: Waiting) -> bool:
        return run.pk in self._order

    def __iter__(self) -> Iterator[Waiting]:
        both = (*self._held[0].values(), *self._held[1].values())
        return iter(sorted(both, key=lambda run: self._order[run.pk]))

    def append(self, run: Waiting) -> None:
        """The run waits, behind those that do already."""
        if run.pk not in self._order:
            self._order[run.pk] = next(self._number)
            self._held[run.even_if_paused][run.pk] = run

    def remove(self, run: Waiting) -> None:
        """The run waits no longer."""
        if self._order.pop(run.pk, None) is not None:
            for line in self._held:
                line.pop(run.pk, None)

    def lighten(self, run: Waiting) -> None:
        """Keep no more of the run than its queue needs; it keeps its place."""
        if run.pk in self._order:
            self._held[run.even_if_paused][run.pk] = QueuedRun(run.pk, run.even_if_paused)

    def take(self, *, paused: bool = False) -> Waiting | None:
        """The run that starts next, taken out; ``None`` where none may.

        :param paused: the DAG is switched off.
        """
        heads = [next(iter(line.values())) for line in self._held[1 if paused else 0 :] if line]
        if not heads:
            return None
        first = min(heads, key=lambda run: self._order[run.pk])
        self.remove(first)
        return first


@dataclass(slots=True)
class LiveBackfill:
    """A backfill that is not completed, as the scheduler works on it.

    :param last: the interval of the last slot that was put down.
    :param fresh: runs that were made in this turn, and may start once that is committed.
    """

    id: int
    dag_id: str
    since: datetime
    until: datetime
    before: datetime
    max_active_runs: int
    reprocess: ReprocessBehavior
    backwards: bool
    conf: dict[str, Any]
    paused: bool = False
    planned: int = 0
    planned_at: datetime | None = None
    made: int = 0
    last: DataInterval | None = None
    cancelled_at: datetime | None = None
    queued: RunQueue = field(default_factory=RunQueue)
    active: set[int] = field(default_factory=set)  #: pks of its runs that are running
    fresh: list[QueuedRun] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        """Whether one more of its runs may start."""
        return not self.paused and self.cancelled_at is None and len(self.active) < self.max_active_runs

    @property
    def is_made(self) -> bool:
        """Whether every slot was worked through."""
        return self.planned_at is not None and self.made >= self.planned

    @property
    def has_work(self) -> bool:
        """Whether slots are to be put down or worked through, or queued runs to be ended."""
        if self.fresh:
            return True
        return bool(self.queued) if self.cancelled_at is not None else not self.is_made

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to run."""
        done = self.is_made or self.cancelled_at is not None
        return done and not (self.queued or self.active or self.fresh)
