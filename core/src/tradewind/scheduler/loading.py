"""From the store into memory: at start, after a failed commit, and when a command names what is not in memory."""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import lru_cache

from tradewind.errors import NotFound, TradewindError
from tradewind.logic import mapping
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.run import DataInterval, RunRow, instance_label
from tradewind.model.spec import DagSpec
from tradewind.model.states import RUN_FINAL, RunState
from tradewind.ports.runtime import RETURN_VALUE
from tradewind.scheduler.memory import LiveDag, Memory, OpenAttempt
from tradewind.scheduler.rows import dag_row
from tradewind.store.attempts import AttemptRepository
from tradewind.store.batch import Row
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store
from tradewind.store.pools import PoolRepository
from tradewind.store.rows import DagRow, LoadedRun
from tradewind.store.runs import RunRepository
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository
from tradewind.timetables import Timetable, resolve

log = logging.getLogger("tradewind.scheduler")


class Loading:
    """Reads DAGs, runs and attempts back."""

    def __init__(self, store: Store) -> None:
        self._dags = DagRepository(store)
        self._runs = RunRepository(store)
        self._attempts = AttemptRepository(store)
        self._pools = PoolRepository(store)
        self._xcoms = XComRepository(store)
        self._version = lru_cache(maxsize=256)(self._dags.load_version)

    def everything(self, only_runs: Collection[int] | None = None) -> Memory:
        """The memory as the store has it.

        :param only_runs: take up these runs alone, and no DAG but theirs; ``None``: all that has not ended.
        """
        memory = Memory()
        memory.last_transition.update(self._attempts.newest_transitions())
        self.pools(memory)
        if only_runs is None:
            for row in self._dags.find(with_stale=True):
                self._add_dag(memory, row)
        taken = self._runs.open_runs() if only_runs is None else self._runs.load(only_runs)
        for loaded in taken:
            if loaded.run.state not in RUN_FINAL:
                self._take_up(memory, loaded)
        self._take_up_attempts(memory)
        return memory

    def pools(self, memory: Memory) -> None:
        """The pools as they are now."""
        memory.admission.ledger.pools = {pool.name: pool.slots for pool in self._pools.all()}

    def dag(self, memory: Memory, dag_id: str) -> LiveDag | None:
        """The DAG, read anew; ``None`` where there is none."""
        try:
            row = self._dags.get(dag_id)
        except NotFound:
            memory.dags.pop(dag_id, None)
            return None
        return self._add_dag(memory, row)

    def plan(self, memory: Memory, version_id: str) -> Plan:
        """The graph of a version."""
        plan = memory.plans.get(version_id)
        if plan is None:
            plan = memory.plans[version_id] = Plan(self._version(version_id).spec)
        return plan

    @staticmethod
    def timetable(spec: DagSpec) -> Timetable:
        """When the DAG runs; a DAG whose timetable cannot be had is not scheduled, and hurts no other."""
        try:
            return resolve(spec.timetable)
        except TradewindError as error:
            log.error("DAG %s is not scheduled: %s", spec.dag_id, error)
            return resolve(None)

    def run_row(self, dag_id: str, run_id: str) -> RunRow | None:
        """The run as the store has it."""
        found = self._runs.by_run_ids([(dag_id, run_id)])
        return found[0] if found else None

    def run(self, memory: Memory, dag_id: str, run_id: str) -> LiveRun:
        """The run, taken into memory if it is not there.

        :raises NotFound: naming close matches.
        """
        row = self._runs.get(dag_id, run_id)
        if row.pk in memory.runs:
            return memory.runs[row.pk]
        (loaded,) = self._runs.load([row.pk])
        run = self._restore(memory, loaded)
        memory.runs[run.pk] = run
        return run

    @staticmethod
    def dag_row(dag: LiveDag) -> Row:
        """The scheduler's columns of the DAG."""
        return dag_row(dag)

    def delete(self, memory: Memory, writer: Writer, dag: LiveDag) -> None:
        """Forget the DAG with all its runs, inside the turn's transaction."""
        writer.delete_dag(dag.dag_id)
        memory.dags.pop(dag.dag_id, None)

    # -- inside ----------------------------------------------------------------------------------------------

    def _add_dag(self, memory: Memory, row: DagRow) -> LiveDag | None:
        if row.version_id is None:
            return None
        spec = self.plan(memory, row.version_id).spec
        cursor = (
            DataInterval(row.cursor_start, row.cursor_end)
            if row.cursor_start is not None and row.cursor_end is not None
            else None
        )
        dag = memory.dags.get(row.dag_id)
        if dag is None:
            dag = LiveDag(
                row.dag_id, row.version_id, spec, self.timetable(spec), row.paused, row.is_stale, cursor
            )
            memory.dags[row.dag_id] = dag
        else:
            dag.version_id, dag.spec, dag.timetable = row.version_id, spec, self.timetable(spec)
            dag.is_stale = row.is_stale
        if dag.paused:
            memory.admission.ledger.paused.add(dag.dag_id)
        return dag

    def _restore(self, memory: Memory, loaded: LoadedRun) -> LiveRun:
        plan = self.plan(memory, loaded.run.info.version_id)
        run = LiveRun.restore(plan, loaded.run, list(loaded.task_instances), loaded.run.even_if_paused)
        if plan.mapped_over:
            names = [plan.tasks[task].task_id for task in plan.mapped_over]
            for task_id, index, length in self._xcoms.lengths(run.pk, names, RETURN_VALUE):
                for number in run.named(instance_label(task_id, index)):
                    mapping.left(run, number, length)
        return run

    def _take_up(self, memory: Memory, loaded: LoadedRun) -> None:
        run = self._restore(memory, loaded)
        memory.runs[run.pk] = run
        dag = memory.dags.get(run.info.dag_id) or self.dag(memory, run.info.dag_id)
        if dag is not None:
            if run.state is RunState.QUEUED:
                dag.queued.append(run)
            else:
                dag.active += 1

    def _take_up_attempts(self, memory: Memory) -> None:
        by_instance = {pk: (run, number) for run in memory.runs.values() for number, pk in enumerate(run.pks)}
        for row in self._attempts.open_attempts():
            found = by_instance.get(row.ti_pk or 0)
            if found is not None:
                run, number = found
                memory.attempts[row.id] = OpenAttempt(
                    row.id, run, number, row.executor, row.claimed_by, row.started_at is not None
                )
