"""Deadlines in a turn: written with their run, met when it succeeds, else missed when their time has come.

A run that failed can still be cleared and succeed, so its deadlines stay until they are met or missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from tradewind.logic.callbacks import of_run
from tradewind.logic.deadlines import due_at
from tradewind.logic.live_run import LiveRun
from tradewind.model.states import RunState
from tradewind.store.tables import to_micros

if TYPE_CHECKING:
    from tradewind.scheduler.loading import Loading
    from tradewind.scheduler.loop import Loop
    from tradewind.scheduler.memory import Memory
    from tradewind.scheduler.turn import Turn


class DueDeadlines:
    """Notes deadlines in the loop, and keeps those whose time has come until a turn takes them."""

    def __init__(self, loop: Loop, loading: Loading, memory: Callable[[], Memory]) -> None:
        self._loop = loop
        self._loading = loading
        self._memory = memory
        self._due: list[tuple[int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._due)

    def watch(self, keys: Iterable[tuple[int, int]]) -> None:
        """These are new, or known again after a start."""
        deadlines = self._memory().deadlines
        for key in keys:
            if key in deadlines:
                self._loop.at(deadlines[key], partial(self._due.append, key))

    def apply(self, turn: Turn) -> None:
        """Let the turn work on those whose time has come."""
        due, self._due[:] = self._due[:], []
        for key in due:
            turn.deadlines.due(self._loading.run_of_deadline(turn.memory, key), key)


class Deadlines:
    """The deadlines of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def made(self, run: LiveRun) -> None:
        """A run was made: from now on its deadlines count."""
        turn = self._turn
        for number, spec in enumerate(run.plan.spec.deadlines):
            due = due_at(spec, run.info, turn.now, turn.around.average_runtime)
            if due is not None:
                turn.memory.deadlines[run.pk, number] = due
                row = {"run_pk": run.pk, "number": number, "name": spec.name, "due_at": to_micros(due)}
                turn.batch.new_deadlines.append(row)
                turn.effects.deadlines.append((run.pk, number))

    def ended(self, runs: Iterable[LiveRun]) -> None:
        """Runs have ended: where one succeeded, what it had not missed is met."""
        for run in runs:
            numbers = range(len(run.plan.spec.deadlines)) if run.state is RunState.SUCCESS else ()
            for number in numbers:
                if self._turn.memory.deadlines.pop((run.pk, number), None) is not None:
                    self._close(run.pk, number, missed=False)

    def due(self, run: LiveRun | None, key: tuple[int, int]) -> None:
        """The time of a deadline may have come.

        :param run: its run; ``None`` where that is gone.
        """
        turn = self._turn
        due = turn.memory.deadlines.get(key)
        if due is None or due > turn.now:
            return
        del turn.memory.deadlines[key]
        if run is None:
            return
        spec = run.plan.spec.deadlines[key[1]]
        name = f" {spec.name!r}" if spec.name else ""
        reason = f"the deadline{name} of {due.isoformat()} was missed: the run is {run.state}"
        self._close(*key, missed=True)
        turn.callbacks.request(run, None, of_run(run, "deadline", reason, deadline=key[1], deadline_at=due))

    def _close(self, run_pk: int, number: int, *, missed: bool) -> None:
        row = {"run_pk": run_pk, "number": number, "missed": missed, "closed_at": self._turn.micros}
        self._turn.batch.closed_deadlines.append(row)
