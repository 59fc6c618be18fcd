"""Sees to it that each DAG is looked at when its next run is due, and when the clock was set."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from tradewind.ports.clock import Clock
from tradewind.scheduler.clock_watch import ClockWatch
from tradewind.scheduler.foreign_schedules import ForeignSchedules
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.loop import Loop
from tradewind.scheduler.memory import LiveDag, Memory
from tradewind.scheduler.surroundings import Effects

log = logging.getLogger("tradewind.scheduler")

PREPARE_AHEAD = 3.0  #: seconds before a run is due that its DAG file is imported where its tasks will run


class Schedules:
    """Notes when DAGs are due.

    :param due: takes the id of a DAG to look at in the next turn.
    :param prepare: has a DAG's file imported where its tasks will run.
    """

    def __init__(
        self,
        clock: Clock,
        loop: Loop,
        loading: Loading,
        memory: Callable[[], Memory],
        foreign: ForeignSchedules,
        due: Callable[[str], None],
        prepare: Callable[[LiveDag], None],
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._loading = loading
        self._memory = memory
        self._foreign = foreign
        self._due = due
        self._prepare = prepare
        self._clock_watch = ClockWatch(clock)

    def act(self, effects: Effects, now: datetime) -> None:
        """Note what a turn planned, and ask what it could not know."""
        for dag in effects.planned:
            self._watch(dag, now)
            self._foreign.ask_for(dag)
        for command_id, question in effects.questions.items():
            self._foreign.ask_of_command(command_id, question)

    def look_at_all(self) -> None:
        """Have every DAG looked at in the next turn."""
        now = self._clock.now()
        for dag in self._memory().dags.values():
            if self._loading.rewind(dag, now):
                log.warning("DAG %s has a scheduled run of the future: the clock was ahead then.", dag.dag_id)
            dag.planned_for = None
            self._due(dag.dag_id)

    def heed_the_clock(self) -> None:
        """Plan anew where the time of day was set."""
        jump = self._clock_watch.jump()
        if jump is None:
            return
        log.warning(
            "The clock was set %s by %s, to %s. Schedules follow it from now on; no run is made twice. What waits for a "
            "time of day, such as a retry, waits for it on the new clock.",
            "back" if jump < timedelta() else "forward",
            abs(jump),
            self._clock.now().isoformat(timespec="seconds"),
        )
        for dag in self._memory().dags.values():
            dag.vetted = dag.held = False  # what seems to be due now is more than what was missed
        self.look_at_all()

    # -- inside ----------------------------------------------------------------------------------------------

    def _watch(self, dag: LiveDag, now: datetime) -> None:
        if dag.planned is None:
            return
        moment = dag.planned.run_after
        if moment <= now:
            # Where the run before it began and ended in the turn that is over, nothing else would look again.
            if dag.may_make_run and not dag.held:
                self._due(dag.dag_id)
        elif dag.watched != moment:  # each moment is noted once, however often the DAG is looked at
            dag.watched = moment
            self._loop.at(moment, partial(self._has_come, dag))
            self._prepare_ahead(dag, moment)

    def _has_come(self, dag: LiveDag) -> None:
        dag.watched = None
        self._due(dag.dag_id)

    def _prepare_ahead(self, dag: LiveDag, due: datetime) -> None:
        """Have the DAG file imported where its tasks will run, shortly before they do."""
        if not dag.spec.tasks:
            return
        version_id = dag.version_id

        def prepare() -> None:
            if dag.version_id == version_id and not dag.paused:
                self._prepare(dag)

        ahead = due - timedelta(seconds=PREPARE_AHEAD)
        if ahead > self._clock.now():
            self._loop.at(ahead, prepare)
