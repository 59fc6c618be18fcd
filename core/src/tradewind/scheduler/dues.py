"""What comes due by itself: waits of task instances, limits of runs, DAGs to look at."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from tradewind.logic.live_run import LiveRun
from tradewind.scheduler.loop import Loop
from tradewind.scheduler.memory import Memory
from tradewind.scheduler.turn import Turn

# What has come due at one moment is worked on in parts, so that facts get in between.
AT_ONCE = 500  #: task instances
DAGS_AT_ONCE = 100  #: DAGs: each asks its timetable


class Dues:
    """Notes moments in the loop, and keeps what has come due until a turn takes it."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._instances: list[tuple[int, int]] = []  # (pk of the run, number)
        self._runs: list[int] = []
        self._dags: list[str] = []
        self._resumed: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._instances or self._runs or self._dags or self._resumed)

    def wait(self, run: LiveRun, number: int) -> None:
        """The instance waits for its ``due_at``."""
        moment = run.due_at[number]
        if moment is not None:
            self._loop.at(moment, partial(self._instances.append, (run.pk, number)))

    def watch_time_limit(self, run: LiveRun) -> None:
        """The run has started."""
        limit = run.plan.spec.dagrun_timeout
        if limit is not None and run.start_date is not None:
            self._loop.at(run.start_date + timedelta(seconds=limit), partial(self._runs.append, run.pk))

    def look_at(self, dag_id: str) -> None:
        """Look at the DAG in the next turn."""
        self._dags.append(dag_id)

    def resume(self, run: LiveRun) -> None:
        """Look at the run anew, after a start."""
        self._resumed.append(run.pk)

    def apply(self, turn: Turn, memory: Memory) -> None:
        """Let the turn work on what has come due."""
        due, self._instances[:AT_ONCE] = self._instances[:AT_ONCE], []
        for run_pk, number in due:
            turn.due(run_pk, number)
        runs, self._runs[:] = self._runs[:], []
        for run_pk in runs:
            turn.run_due(run_pk)
        dags, self._dags[:DAGS_AT_ONCE] = self._dags[:DAGS_AT_ONCE], []
        for dag_id in dags:
            if dag_id in memory.dags:
                turn.touch(memory.dags[dag_id])
        resumed, self._resumed[:DAGS_AT_ONCE] = self._resumed[:DAGS_AT_ONCE], []
        for run_pk in resumed:
            turn.resume(run_pk)
