"""Setup and teardown: what a setup's work is, and who has to wait for it.

A *setup* makes something that other tasks need, a *teardown* takes it away again. The tasks between the two are the
setup's work; for a setup without a teardown, all that is downstream of it. Whatever is not directly behind a setup but
still of its work runs only where the setup succeeded, whatever its trigger rule says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradewind.model.spec import TaskSpec

Edges = Sequence[Sequence[int]]


def reach(edges: Edges, numbers: Iterable[int]) -> set[int]:
    """``numbers`` and all that lies behind them along the edges."""
    found = set(numbers)
    front = list(found)
    while front:
        for other in edges[front.pop()]:
            if other not in found:
                found.add(other)
                front.append(other)
    return found


class Scopes:
    """The setups and teardowns of a graph; empty, and free of cost, where it has none."""

    __slots__ = ("_downstream", "_tasks", "_upstream", "further", "setups_of", "teardowns", "work")

    def __init__(self, tasks: Sequence[TaskSpec], downstream: Edges, upstream: Edges) -> None:
        self._tasks, self._downstream, self._upstream = tasks, downstream, upstream
        self.teardowns = tuple(number for number, task in enumerate(tasks) if task.is_teardown)
        #: for a teardown: the setups directly before it
        self.setups_of = {
            number: tuple(other for other in upstream[number] if tasks[other].is_setup)
            for number in self.teardowns
        }
        #: for a task: setups further up than directly before it, of whose work it is
        self.further: dict[int, tuple[int, ...]] = {}
        #: for a setup: those that have it in ``further``
        self.work: dict[int, tuple[int, ...]] = {}
        for setup, task in enumerate(tasks):
            if task.is_setup:
                self._add(setup)

    def _add(self, setup: int) -> None:
        work = [
            number
            for number in sorted(self.work_of(setup))
            if not self._tasks[number].is_teardown and setup not in self._upstream[number]
        ]
        self.work[setup] = tuple(work)
        for number in work:
            self.further[number] = (*self.further.get(number, ()), setup)

    def teardowns_of(self, setup: int) -> list[int]:
        """The teardowns directly behind a setup: those that undo it."""
        return [number for number in self._downstream[setup] if self._tasks[number].is_teardown]

    def work_of(self, setup: int) -> set[int]:
        """The tasks that need what the setup makes: all between it and its teardowns, or all behind it."""
        behind = reach(self._downstream, (setup,)) - {setup}
        teardowns = self.teardowns_of(setup)
        return behind & (reach(self._upstream, teardowns) - set(teardowns)) if teardowns else behind

    def around(self, numbers: set[int]) -> set[int]:
        """The setups of whose work one of the tasks is, directly or further up, with their teardowns."""
        found: set[int] = set()
        for setup in self.work:
            if not numbers.isdisjoint(self.work_of(setup)):
                found |= {setup, *self.teardowns_of(setup)}
        return found


def effective_leaves(tasks: Sequence[TaskSpec], downstream: Edges) -> frozenset[int]:
    """The tasks whose state makes the run's: the last ones, teardowns aside unless they count (``on_failure_fail_dagrun``).

    Where there is nothing but teardowns, the last of these.
    """
    counting = [not task.is_teardown or task.on_failure_fail_dagrun for task in tasks]
    found = frozenset(
        number
        for number, after in enumerate(downstream)
        if counting[number] and not any(counting[other] for other in after)
    )
    return found or frozenset(number for number, after in enumerate(downstream) if not after)
