"""Which runs start: those that are queued where there is room, and what follows from the end of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind.logic.live_run import LiveRun
from tradewind.model.states import RunState
from tradewind.scheduler.failures import switch_off_after_failures
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.queue import Waiting

if TYPE_CHECKING:
    from tradewind.scheduler.turn import Turn

STARTS_A_TURN = 100  #: runs that start; more wait for the next turn, so that facts get in between


class Starting:
    """The part of a turn that starts runs and counts them.

    :ivar new: runs that were made in this turn.
    :ivar woken: how many of the turn's transitions those who wait for them were told of.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.new: list[LiveRun] = []
        self.woken = 0
        self._counted = 0  # runs that ended in this turn and were counted as such
        self._started = 0

    def go_on(self) -> None:
        """Start queued runs where there is room, count those that ended, and wake those that waited for a run before."""
        waiting = True
        while waiting:
            waiting = self._wake_followers()
            self.count_ended()
            for dag in list(self._turn.touched.values()):
                if self._started >= STARTS_A_TURN:
                    self._turn.effects.again = list(self._turn.touched.values())
                    break
                queued = self._next_queued(dag)
                if queued is not None:
                    waiting = True
                    self._start(dag, queued)

    def count_ended(self) -> None:
        """Give back the places of runs that have ended by now, before anything else becomes of them in this turn."""
        ended = self._turn.machine.delta.ended_runs
        for run in ended[self._counted :]:
            self._run_ended(run)
        self._counted = len(ended)

    def _wake_followers(self) -> bool:
        """Look again at instances that waited for a task of an earlier run which has just ended well."""
        transitions = self._turn.machine.delta.transitions
        news = transitions[self.woken :]
        self.woken = len(transitions)
        woken = False
        for run_pk, number in self._turn.memory.past.wake(news):
            run = self._turn.memory.runs.get(run_pk)
            if run is not None:
                woken = True
                with self._turn.guarded(run, "the end of a task in an earlier run"):
                    self._turn.machine.look_again(run, number)
        return woken

    def _next_queued(self, dag: LiveDag) -> Waiting | None:
        """The run of the DAG, or of its backfill, that starts next; it has its place among the active ones."""
        if dag.has_room:
            found = dag.queued.take(paused=dag.paused)
            if found is not None:
                dag.active += 1
                return found
        backfill = dag.backfill
        if backfill is not None and backfill.has_room:
            found = backfill.queued.take()
            if found is not None:
                backfill.active.add(found.pk)
                return found
        return None

    def _start(self, dag: LiveDag, queued: Waiting) -> None:
        run = self._turn.memory.runs.get(queued.pk) or self._turn.around.fetch(self._turn.memory, queued.pk)
        if run is None:  # it was deleted
            self._leave(dag, queued)
            return
        self._started += 1
        self._turn.effects.started_runs.append(run)
        self._turn.machine.cause = ("clock", None)
        with self._turn.guarded(run, "its start"):
            self._turn.machine.begin(run, "it has a place among the DAG's active runs")

    def _run_ended(self, run: LiveRun) -> None:
        dag = self._turn.memory.dags.get(run.info.dag_id)
        if dag is not None:
            self._leave(dag, run)
            self._turn.touch(dag)
        self._turn.let_go(run)
        self._turn.effects.ended_runs.append(run)
        if dag is not None and run.state is RunState.FAILED and dag.spec.max_consecutive_failed_dag_runs:
            switch_off_after_failures(self._turn.memory, dag, self._turn.effects.ended_runs)

    def reopen(self, dag: LiveDag, run: LiveRun) -> None:
        """A run that had ended, perhaps in this very turn, waits for a place anew."""
        self.take_back(dag, run)
        dag.queued.append(run)
        self._turn.touch(dag)

    def take_back(self, dag: LiveDag, run: LiveRun) -> None:
        """A run that had ended, perhaps in this very turn, goes again; nobody is told of that end."""
        ended = self._turn.machine.delta.ended_runs
        if run in ended[self._counted :]:
            ended.remove(run)
            self._leave(dag, run)

    def _leave(self, dag: LiveDag, run: Waiting) -> None:
        """The run has given its place, or its place in a queue, back."""
        backfill = dag.backfill
        if backfill is not None and (run.pk in backfill.active or run in backfill.queued):
            backfill.active.discard(run.pk)
            backfill.queued.remove(run)
            if backfill.is_over and backfill not in self._turn.memory.filling:
                self._turn.memory.filling.append(backfill)
        elif run in dag.queued:
            dag.queued.remove(run)
        else:
            dag.active -= 1

    def lighten(self) -> None:
        """Runs that were made and have to wait leave memory; they are read back when they start."""
        memory = self._turn.memory
        if not self._turn.around.makes_runs:
            return
        for run in self.new:
            dag = memory.dags.get(run.info.dag_id)
            if run.state is RunState.QUEUED and dag is not None and run in dag.queued:
                dag.queued.lighten(run)
                memory.runs.pop(run.pk, None)
