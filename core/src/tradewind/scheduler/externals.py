"""Who waits for runs of other DAGs: an index by DAG, looked at when a run of that DAG has changed, never polled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from tradewind.errors import NotFound
from tradewind.logic.external import judge, missing, tasks_awaited
from tradewind.logic.live_run import Transition
from tradewind.model.run import RunRow
from tradewind.model.spec import DagSpec
from tradewind.model.states import TaskState
from tradewind.model.waits import FoundRun, RunsAwaited, Verdict, Wait
from tradewind.store.dags import DagRepository
from tradewind.store.runs import RunRepository


class Externals:
    """Answers who may go on.

    :param over: told that a wait has ended: its id, and the event.
    """

    def __init__(
        self, dags: DagRepository, runs: RunRepository, over: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._dags = dags
        self._runs = runs
        self._over = over
        self._spec = lru_cache(maxsize=64)(lambda version_id: dags.load_version(version_id).spec)
        self._waits: dict[str, RunsAwaited] = {}
        self._by_dag: dict[str, dict[str, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._waits)

    def add(self, wait: Wait) -> None:
        """From now on the wait is looked after; it may be over at once."""
        awaited = self._waits[wait.attempt_id] = awaited_of(wait.payload)
        self._by_dag.setdefault(awaited.dag_id, {})[wait.attempt_id] = None
        self._look(wait.attempt_id, self.verdict(awaited))

    def discard(self, attempt_id: str) -> None:
        """Nobody waits any more."""
        awaited = self._waits.pop(attempt_id, None)
        if awaited is not None:
            waiting = self._by_dag[awaited.dag_id]
            del waiting[attempt_id]
            if not waiting:
                del self._by_dag[awaited.dag_id]

    def clear(self) -> None:
        """Nobody waits at all."""
        self._waits.clear()
        self._by_dag.clear()

    def changed(self, transitions: Iterable[Transition]) -> None:
        """Look at those who wait for a DAG that something has changed in; after the commit."""
        touched = {it.run.info.dag_id for it in transitions} & self._by_dag.keys()
        for dag_id in touched:
            verdicts: dict[RunsAwaited, tuple[Verdict, str]] = {}
            for attempt_id in list(self._by_dag[dag_id]):
                awaited = self._waits[attempt_id]
                if awaited not in verdicts:
                    verdicts[awaited] = self.verdict(awaited)
                self._look(attempt_id, verdicts[awaited])

    def verdict(self, awaited: RunsAwaited) -> tuple[Verdict, str]:
        """Whether the waiting is over, as far as it is committed, and why."""
        if awaited.check_existence:
            gone = missing(awaited, self._spec_of(awaited.dag_id))
            if gone is not None:
                return "missing", gone
        return judge(awaited, [self._found(awaited, row) for row in self._rows(awaited)])

    def _look(self, attempt_id: str, verdict: tuple[Verdict, str]) -> None:
        if verdict[0] != "waits":
            self._over(attempt_id, {"status": verdict[0], "reason": verdict[1]})

    def _rows(self, awaited: RunsAwaited) -> list[RunRow]:
        rows = self._runs.by_run_ids([(awaited.dag_id, run_id) for run_id in awaited.run_ids])
        return rows + self._runs.of_dates(awaited.dag_id, awaited.logical_dates)

    def _found(self, awaited: RunsAwaited, row: RunRow) -> FoundRun:
        tasks: dict[str, list[TaskState | None]] = {}
        if awaited.task_ids or awaited.group_id is not None:
            wanted = tasks_awaited(awaited, self._spec(row.info.version_id))
            for it in self._runs.task_instances(row.pk):
                if it.task_id in wanted:
                    tasks.setdefault(it.task_id, []).append(it.state)
            for task_id in awaited.task_ids:  # one that this version lacks is waited for all the same
                tasks.setdefault(task_id, [None])
        return FoundRun(
            run_id=row.info.run_id, logical_date=row.info.logical_date, state=row.state, tasks=tasks
        )

    def _spec_of(self, dag_id: str) -> DagSpec | None:
        try:
            version_id = self._dags.get(dag_id).version_id
        except NotFound:
            return None
        return None if version_id is None else self._spec(version_id)


def awaited_of(fields: dict[str, Any]) -> RunsAwaited:
    """What is waited for, from plain data.

    :raises msgspec.ValidationError: where something else was given.
    """
    return msgspec.convert(fields, RunsAwaited)
