"""Admission: which of the instances that may start get a slot now, and what the others wait for.

Candidates stand in a queue by priority. One that meets a limit steps aside into the line of that limit, and comes back when
something there is released; so each slot that becomes free costs a step or two, however many wait. The same function
says whether a candidate may pass and, if not, why.

Among equal priorities, DAGs take turns, so that one with ten thousand tasks to start does not hold up the others; within a
DAG the oldest run goes first.
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
    max_of_run: int  #: max_active_tasks of the DAG, which bounds each run
    max_of_task: int | None  #: max_active_tis_per_dag
    max_of_task_in_run: int | None  #: max_active_tis_per_dagrun
    even_if_paused: bool = False

    @property
    def rank(self) -> tuple[int, float, tuple[int, int]]:
        """Sorts candidates: the lowest rank goes first."""
        return (-self.priority, self.order, self.key)


class Limit(NamedTuple):
    """A limit that a candidate counts towards."""

    kind: str  # paused | pool | executor | run | task | run-task
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
    keep_deferred: set[str] = field(
        default_factory=set
    )  #: pools in which a deferred instance keeps its slots
    executors: dict[str, int] = field(default_factory=dict)  #: attempts that each executor takes at once
    paused: set[str] = field(default_factory=set)  #: DAGs that are switched off
    used: Counter[Limit] = field(default_factory=Counter)
    admitted: dict[tuple[int, int], Candidate] = field(default_factory=dict)
    deferred: dict[tuple[int, int], Candidate] = field(default_factory=dict)  #: that keep their slots

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
        yield Limit("run", str(it.run_pk)), 1, it.max_of_run, "max_active_tasks of the run"
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

    def defer(self, candidate: Candidate) -> None:
        """The instance waits without a process: count it towards its pool, if the pool says so, and nothing else."""
        if candidate.pool in self.keep_deferred and candidate.key not in self.deferred:
            self.deferred[candidate.key] = candidate
            self.used[Limit("pool", candidate.pool)] += candidate.slots

    def give_back(self, key: tuple[int, int]) -> list[Limit]:
        """The instance is active, or deferred, no longer; the limits that it counted towards."""
        waited = self.deferred.pop(key, None)
        if waited is not None:
            limit = Limit("pool", waited.pool)
            self.used[limit] -= waited.slots
            return [limit]
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


class Turns:
    """Whose turn it is: a count for each DAG that grows with each of its tasks that starts.

    A DAG that had nothing to start for a while is not ahead of the others for that: its count is at least that of the
    DAG that started something last.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._now = 0

    def of(self, dag_id: str) -> int:
        """The turn at which a task of the DAG may start."""
        return max(self._taken.get(dag_id, 0), self._now)

    def take(self, dag_id: str) -> None:
        """A task of the DAG has started."""
        self._now = self.of(dag_id)
        self._taken[dag_id] = self._now + 1
        if len(self._taken) > 1000:
            self._taken = {name: turn for name, turn in self._taken.items() if turn > self._now}


_Place = tuple[int, int, float, tuple[int, int]]  # (-priority, turn, order, key)


class Line:
    """Candidates that wait for the same thing: the highest priority first, then DAG by DAG, then the oldest run."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._number = count()  # so that two of one rank are never compared themselves
        self._of_dags: dict[str, list[tuple[tuple[int, float, tuple[int, int]], int, Candidate]]] = {}
        self._heads: list[tuple[_Place, str]] = []  # the first of each DAG, and places that are out of date
        self._places: dict[str, _Place] = {}  # of each DAG in `_heads`

    def __bool__(self) -> bool:
        return bool(self._of_dags)

    def push(self, candidate: Candidate) -> None:
        """The candidate waits here."""
        waiting = self._of_dags.setdefault(candidate.dag_id, [])
        heapq.heappush(waiting, (candidate.rank, next(self._number), candidate))
        if waiting[0][2] is candidate:
            self._offer(candidate)

    def pop(self) -> Candidate:
        """The one that goes first. There must be one."""
        while True:
            place, dag_id = heapq.heappop(self._heads)
            if self._places.get(dag_id) != place:
                continue
            waiting = self._of_dags[dag_id]
            if self._place(waiting[0][2]) != place:  # its DAG has had its turn meanwhile
                self._offer(waiting[0][2])
                continue
            candidate = heapq.heappop(waiting)[2]
            if waiting:
                self._offer(waiting[0][2])
            else:
                del self._of_dags[dag_id], self._places[dag_id]
            return candidate

    def _offer(self, head: Candidate) -> None:
        place = self._places[head.dag_id] = self._place(head)
        heapq.heappush(self._heads, (place, head.dag_id))

    def _place(self, it: Candidate) -> _Place:
        return (-it.priority, self._turns.of(it.dag_id), it.order, it.key)


class Admission:
    """The queue of candidates over a :class:`Ledger`."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._turns = Turns()
        self._queue = Line(self._turns)
        self._lines: dict[Limit, Line] = {}
        self._called: dict[tuple[int, int], Limit] = {}  # candidates in the queue that come from a line
        self._waiting: dict[tuple[int, int], Candidate] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, candidate: Candidate) -> None:
        """The instance may start."""
        self._waiting[candidate.key] = candidate
        self._queue.push(candidate)

    def release(self, key: tuple[int, int]) -> None:
        """The instance is active no longer, or does not want to start any more."""
        self._waiting.pop(key, None)
        for limit in self.ledger.give_back(key):
            self._call_next(limit)

    def lift(self, limit: Limit) -> None:
        """A limit was lifted or changed: let its whole line try again."""
        line = self._lines.pop(limit, None)
        while line:
            self._queue.push(line.pop())

    def admit(self) -> Iterator[Candidate]:
        """Those that start now, one after another; each is counted as active before the next is looked at."""
        while self._queue:
            candidate = self._queue.pop()
            origin = self._called.pop(candidate.key, None)
            if self._waiting.get(candidate.key) is not candidate:
                if origin is not None:
                    self._call_next(origin)  # it was called in vain
                continue
            blocked = self.ledger.blocked(candidate)
            if blocked is None:
                del self._waiting[candidate.key]
                self.ledger.take(candidate)
                self._turns.take(candidate.dag_id)
                yield candidate
            else:
                self._line(blocked.limit).push(candidate)
            if origin is not None and (blocked is None or blocked.limit != origin):
                self._call_next(origin)

    def _line(self, limit: Limit) -> Line:
        line = self._lines.get(limit)
        if line is None:
            line = self._lines[limit] = Line(self._turns)
        return line

    def _call_next(self, limit: Limit) -> None:
        """Let the head of a line try again. While the head does not pass, nobody behind it does: a candidate that needs
        many slots is not overtaken for ever by those that need one."""
        line = self._lines.get(limit)
        while line:
            candidate = line.pop()
            if not line:
                del self._lines[limit]
            if self._waiting.get(candidate.key) is candidate:
                self._called[candidate.key] = limit
                self._queue.push(candidate)
                return
