"""Admission: which of the instances that may start get a slot now, and what the others wait for.

Candidates stand in a queue by priority. One that meets a limit steps aside into the line of that limit, and comes back when
something there is released; so each slot that becomes free costs a step or two, however many wait. The same function
says whether a candidate may pass and, if not, why.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Candidate:
    """What admission needs to know of an instance. ``key`` identifies it: (run's number in the store, instance)."""

    key: tuple[int, int]
    dag_id: str
    task_id: str
    run_pk: int
    priority: int
    order: float  #: among equal priorities the lower goes first: the run's time
    pool: str
    slots: int
    executor: str
    max_of_dag: int  #: max_active_tasks of the DAG
    max_of_task: int | None  #: max_active_tis_per_dag
    max_of_task_in_run: int | None  #: max_active_tis_per_dagrun
    even_if_paused: bool = False

    @property
    def rank(self) -> tuple[int, float, tuple[int, int]]:
        """Sorts candidates: the lowest rank goes first."""
        return (-self.priority, self.order, self.key)


class Limit(NamedTuple):
    """A limit that a candidate counts towards."""

    kind: str  # paused | pool | executor | dag | task | run-task
    name: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The limit that holds a candidate back, in words."""

    limit: Limit
    reason: str


@dataclass(slots=True)
class Ledger:
    """What is in use, and what there is."""

    pools: dict[str, int] = field(default_factory=dict)  #: slots of each pool; -1: no limit
    executors: dict[str, int] = field(default_factory=dict)  #: attempts that each executor takes at once
    paused: set[str] = field(default_factory=set)  #: DAGs that are switched off
    used: Counter[Limit] = field(default_factory=Counter)
    admitted: dict[tuple[int, int], Candidate] = field(default_factory=dict)

    def blocked(self, candidate: Candidate) -> Blocked | None:
        """What holds the candidate back, or ``None`` where it may start now."""
        if candidate.dag_id in self.paused and not candidate.even_if_paused:
            limit = Limit("paused", candidate.dag_id)
            return Blocked(limit, f"DAG {candidate.dag_id} is paused; switch it on to go on")
        for limit, wanted, most, what in self._limits(candidate):
            used = self.used[limit]
            if wanted > most:  # stands in a line of its own, so that it holds up nobody who can pass
                limit = Limit(f"{limit.kind} too small", limit.name)
            if used + wanted > most:
                return Blocked(limit, _explain(what, candidate, used, wanted, most))
        return None

    def _limits(self, it: Candidate) -> Iterator[tuple[Limit, int, int, str]]:
        slots = self.pools.get(it.pool, 0)
        if slots >= 0:
            yield Limit("pool", it.pool), it.slots, slots, "pool"
        yield Limit("dag", it.dag_id), 1, it.max_of_dag, "max_active_tasks of the DAG"
        if it.max_of_task is not None:
            yield (
                Limit("task", f"{it.dag_id}/{it.task_id}"),
                1,
                it.max_of_task,
                "max_active_tis_per_dag of the task",
            )
        if it.max_of_task_in_run is not None:
            most = it.max_of_task_in_run
            yield (
                Limit("run-task", f"{it.run_pk}/{it.task_id}"),
                1,
                most,
                "max_active_tis_per_dagrun of the task",
            )
        yield Limit("executor", it.executor), 1, self.executors.get(it.executor, 0), "executor"

    def take(self, candidate: Candidate) -> None:
        """Count the candidate as active."""
        if candidate.key not in self.admitted:
            self.admitted[candidate.key] = candidate
            for limit, wanted, _, _ in self._limits(candidate):
                self.used[limit] += wanted

    def give_back(self, key: tuple[int, int]) -> list[Limit]:
        """The instance is active no longer; the limits that it counted towards."""
        candidate = self.admitted.pop(key, None)
        if candidate is None:
            return []
        freed = []
        for limit, wanted, _, _ in self._limits(candidate):
            self.used[limit] -= wanted
            if self.used[limit] <= 0:
                del self.used[limit]
            freed.append(limit)
        return freed


def _explain(what: str, it: Candidate, used: int, wanted: int, most: int) -> str:
    match what:
        case "pool" if most <= 0:
            return f"there is no pool {it.pool!r} with slots; make one with `tradewind pools set {it.pool} SLOTS`"
        case "pool" if wanted > most:
            return f"needs {wanted} slots of pool {it.pool!r}, which has {most}; make the pool larger"
        case "pool":
            need = f", needs {wanted}" if wanted > 1 else ""
            return f"waits for a slot in pool {it.pool!r} ({used} of {most} used{need})"
        case "executor" if most <= 0:
            return f"executor {it.executor!r} has nobody to run tasks at present"
        case "executor":
            return f"waits for a place in executor {it.executor!r} ({used} of {most} used)"
    return f"waits for {what} ({used} of {most} used)"


#: rank; a number of its own, since an instance that was let go and came back may stand in a heap twice; candidate
_Entry = tuple[tuple[int, float, tuple[int, int]], int, Candidate]


class Admission:
    """The queue of candidates over a :class:`Ledger`."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._queue: list[tuple[*_Entry, Limit | None]] = []  # the limit whose line an entry comes from
        self._lines: dict[Limit, list[_Entry]] = {}
        self._waiting: dict[tuple[int, int], Candidate] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, candidate: Candidate) -> None:
        """The instance may start."""
        self._waiting[candidate.key] = candidate
        heapq.heappush(self._queue, (candidate.rank, next(self._numbers), candidate, None))

    def release(self, key: tuple[int, int]) -> None:
        """The instance is active no longer, or does not want to start any more."""
        self._waiting.pop(key, None)
        for limit in self.ledger.give_back(key):
            self._call_next(limit)

    def lift(self, limit: Limit) -> None:
        """A limit was lifted or changed: let its whole line try again."""
        for entry in self._lines.pop(limit, []):
            heapq.heappush(self._queue, (*entry, None))

    def admit(self) -> Iterator[Candidate]:
        """Those that start now, one after another; each is counted as active before the next is looked at."""
        while self._queue:
            rank, number, candidate, origin = heapq.heappop(self._queue)
            if self._waiting.get(candidate.key) is not candidate:
                if origin is not None:  # it went away after its line had sent it
                    self._call_next(origin)
                continue
            blocked = self.ledger.blocked(candidate)
            if blocked is None:
                del self._waiting[candidate.key]
                self.ledger.take(candidate)
                yield candidate
            else:
                heapq.heappush(self._lines.setdefault(blocked.limit, []), (rank, number, candidate))
            if origin is not None and (blocked is None or blocked.limit != origin):
                self._call_next(origin)

    def _call_next(self, limit: Limit) -> None:
        """Let the head of a line try again. While the head does not pass, nobody behind it does: a candidate that needs
        many slots is not overtaken for ever by those that need one."""
        line = self._lines.get(limit)
        while line:
            entry = heapq.heappop(line)
            if not line:
                del self._lines[limit]
            if self._waiting.get(entry[2].key) is entry[2]:
                heapq.heappush(self._queue, (*entry, limit))
                return
