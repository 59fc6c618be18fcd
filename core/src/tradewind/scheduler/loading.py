"""From the store into memory: at start, after a failed commit, and when a command names what is not in memory."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache

from tradewind.errors import NotFound, TradewindError
from tradewind.logic import mapping
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.run import DataInterval, RunRow, TaskInstanceRow, instance_label
from tradewind.model.spec import DagSpec
from tradewind.model.states import RUN_FINAL, RunState
from tradewind.model.waits import Wait
from tradewind.ports.runtime import RETURN_VALUE
from tradewind.scheduler.foreign import ForeignTimetable
from tradewind.scheduler.human_input import OpenInput
from tradewind.scheduler.memory import LiveDag, Memory, OpenAttempt
from tradewind.scheduler.queue import LiveBackfill, QueuedRun
from tradewind.scheduler.rows import dag_row
from tradewind.scheduler.subscribers import Subscribers
from tradewind.store.assets import AssetRepository
from tradewind.store.attempts import AttemptRepository
from tradewind.store.backfills import BackfillRepository
from tradewind.store.batch import Row
from tradewind.store.callbacks import CallbackRepository
from tradewind.store.dags import DagRepository
from tradewind.store.deadlines import DeadlineRepository
from tradewind.store.engine import Store
from tradewind.store.human_input import InputRepository
from tradewind.store.past import PastRepository
from tradewind.store.pools import PoolRepository
from tradewind.store.rows import DagRow, LoadedRun
from tradewind.store.runs import RunRepository
from tradewind.store.waits import WaitRepository
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository
from tradewind.timetables import PlannedRun, Timetable, resolve
from tradewind.timetables.planning import bounds_of
from tradewind.timetables.registry import BUILTIN

log = logging.getLogger("tradewind.scheduler")


class Loading:
    """Reads DAGs, runs and attempts back."""

    def __init__(self, store: Store) -> None:
        self._dags = DagRepository(store)
        self._runs = RunRepository(store)
        self._attempts = AttemptRepository(store)
        self._pools = PoolRepository(store)
        self._callbacks = CallbackRepository(store)
        self._deadlines = DeadlineRepository(store)
        self._inputs = InputRepository(store)
        self._assets = AssetRepository(store)
        self._xcoms = XComRepository(store)
        self._waits = WaitRepository(store)
        self._backfills = BackfillRepository(store)
        self._history = PastRepository(store)
        self._version = lru_cache(maxsize=256)(self._dags.load_version)

    def everything(self, only_runs: Collection[int] | None = None) -> Memory:
        """The memory as the store has it.

        :param only_runs: take up these runs alone, and no DAG but theirs; ``None``: all that has not ended.
        """
        memory = Memory(self._history)
        memory.last_transition.update(self._attempts.newest_transitions())
        self.pools(memory)
        if only_runs is None:
            for row in self._dags.find(with_stale=True):
                self._add_dag(memory, row)
            memory.updates = self._assets.pending()
            self._complete(memory)
            self._take_up_backfills(memory)
            self._take_up_queued(memory)
        for watch in self._assets.run_watches():
            memory.run_watches.setdefault((watch.dag_id, watch.run_id), []).append(watch)
        taken = self._runs.open_runs(running_only=True) if only_runs is None else self._runs.load(only_runs)
        for loaded in taken:
            if loaded.run.state not in RUN_FINAL:
                self._take_up(memory, loaded)
        self._take_up_attempts(memory)
        self._take_up_waits(memory.runs.values(), self._waits.all())
        self._take_up_callbacks(memory, only_runs)
        self._take_up_inputs(memory)
        for deadline in self._deadlines.open():
            if only_runs is None or deadline.run_pk in only_runs:
                memory.deadlines[deadline.run_pk, deadline.number] = deadline.due_at
        return memory

    def pools(self, memory: Memory) -> None:
        """The pools as they are now."""
        pools, ledger = self._pools.all(), memory.admission.ledger
        ledger.pools = {pool.name: pool.slots for pool in pools}
        ledger.keep_deferred = {pool.name for pool in pools if pool.include_deferred}

    def dag(self, memory: Memory, dag_id: str) -> LiveDag | None:
        """The DAG, read anew; ``None`` where there is none."""
        try:
            row = self._dags.get(dag_id)
        except NotFound:
            memory.dags.pop(dag_id, None)
            memory.subscribers.put(dag_id, None)
            return None
        return self._add_dag(memory, row)

    def subscribers(self, memory: Memory) -> Subscribers:
        """Which DAGs wait for which assets; one that serves a single run reads it when it is first needed."""
        if not memory.subscribers.complete:
            for dag_id, version_id in self._assets.versions_with_assets():
                memory.subscribers.put(dag_id, self._version(version_id).spec.asset_schedule)
            self._complete(memory)
        return memory.subscribers

    def _complete(self, memory: Memory) -> None:
        memory.subscribers.aliases = self._assets.aliases()
        memory.subscribers.complete = True

    def rewind(self, dag: LiveDag, now: datetime) -> bool:
        """Whether the DAG's newest scheduled run is of a time that is still to come, since the clock was ahead when it was
        made. Its schedule then goes on from the run before; those that are there already are not made again."""
        if dag.cursor is None or dag.cursor.end <= now:
            return False
        dag.cursor = self._runs.newest_scheduled(dag.dag_id, now)
        dag.planned, dag.vetted, dag.held = None, False, False
        return True

    def plan(self, memory: Memory, version_id: str) -> Plan:
        """The graph of a version."""
        plan = memory.plans.get(version_id)
        if plan is None:
            plan = memory.plans[version_id] = Plan(self._version(version_id).spec)
        return plan

    @staticmethod
    def timetable(spec: DagSpec) -> Timetable:
        """When the DAG runs; a DAG whose timetable cannot be had is not scheduled, and hurts no other."""
        if spec.timetable is not None and spec.timetable.type not in BUILTIN:
            return ForeignTimetable(spec.timetable)
        try:
            return resolve(spec.timetable)
        except TradewindError as error:
            log.error("DAG %s is not scheduled: %s", spec.dag_id, error)
            return resolve(None)

    def run_row(self, dag_id: str, run_id: str) -> RunRow | None:
        """The run as the store has it."""
        return self._runs.look_up(dag_id, run_id)

    def run(self, memory: Memory, dag_id: str, run_id: str) -> LiveRun:
        """The run, taken into memory if it is not there.

        :raises NotFound: naming close matches.
        """
        row = self._runs.get(dag_id, run_id)
        if row.pk in memory.runs:
            return memory.runs[row.pk]
        run = self.fetch(memory, row.pk)
        if run is None:
            raise NotFound("run", run_id, cure="It was deleted at this very moment.")
        return run

    def fetch(self, memory: Memory, pk: int) -> LiveRun | None:
        """The run of this pk, taken into memory if it is not there; ``None`` where it is gone."""
        if pk in memory.runs:
            return memory.runs[pk]
        found = self._runs.load_one(pk)
        if found is None:
            return None
        run = memory.runs[pk] = self._restore(memory, found)
        self._take_up_waits([run], self._waits.of_runs([pk]))
        return run

    def know_lengths(self, run: LiveRun) -> None:
        """Let the run know the lengths of what others are mapped over, as far as the store does."""
        if run.plan.mapped_over:
            names = [run.plan.tasks[task].task_id for task in run.plan.mapped_over]
            for task_id, index, length in self._xcoms.lengths(run.pk, names, RETURN_VALUE):
                for number in run.named(instance_label(task_id, index)):
                    mapping.left(run, number, length)

    def instances(self, run_pk: int) -> list[TaskInstanceRow]:
        """The run's task instances as the store has them."""
        return self._runs.task_instances(run_pk)

    def run_of_deadline(self, memory: Memory, key: tuple[int, int]) -> LiveRun | None:
        """The run of an open deadline; one that has ended is read for it alone."""
        if key not in memory.deadlines or key[0] in memory.runs:
            return memory.runs.get(key[0])
        return next((self._restore(memory, loaded) for loaded in self._runs.load([key[0]])), None)

    def has_asset_event(self, event_id: str) -> bool:
        """Whether the store has the event."""
        return self._assets.has(event_id)

    @staticmethod
    def dag_row(dag: LiveDag) -> Row:
        """The scheduler's columns of the DAG."""
        return dag_row(dag)

    def delete(self, memory: Memory, writer: Writer, dag: LiveDag) -> None:
        """Forget the DAG with all its runs, inside the turn's transaction."""
        writer.delete_dag(dag.dag_id)
        memory.dags.pop(dag.dag_id, None)
        memory.updates.pop(dag.dag_id, None)
        memory.subscribers.put(dag.dag_id, None)

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
            dag.paused_reason = row.paused_reason
            memory.dags[row.dag_id] = dag
            dag.bounds = bounds_of(spec)
            if row.next_logical is not None and row.next_run_after is not None:
                dag.planned = PlannedRun.over(row.next_logical, row.next_run_after)
        else:
            dag.is_stale = row.is_stale
            if dag.version_id != row.version_id:
                memory.plans.pop(dag.version_id, None)  # runs that go on with it have it
                dag.version_id, dag.spec, dag.timetable = row.version_id, spec, self.timetable(spec)
                dag.bounds = bounds_of(spec)
                dag.planned, dag.vetted, dag.held = None, False, False
        if dag.paused:
            memory.admission.ledger.paused.add(dag.dag_id)
        memory.subscribers.put(row.dag_id, None if row.is_stale else spec.asset_schedule)
        return dag

    def _restore(self, memory: Memory, loaded: LoadedRun) -> LiveRun:
        plan = self.plan(memory, loaded.run.info.version_id)
        run = LiveRun.restore(plan, loaded.run, list(loaded.task_instances), loaded.run.even_if_paused)
        self.know_lengths(run)
        return run

    def _take_up(self, memory: Memory, loaded: LoadedRun) -> None:
        run = self._restore(memory, loaded)
        memory.runs[run.pk] = run
        dag = memory.dags.get(run.info.dag_id) or self.dag(memory, run.info.dag_id)
        if dag is not None:
            if run.state is RunState.QUEUED:
                dag.queued.append(run)
            elif dag.backfill is not None and dag.backfill.id == loaded.run.backfill_id:
                dag.backfill.active.add(run.pk)
            else:
                dag.active += 1

    def _take_up_backfills(self, memory: Memory) -> None:
        for row in self._backfills.open():
            dag = memory.dags.get(row.dag_id)
            if dag is None:
                continue
            newest = self._backfills.slots(row.id, range(row.planned, row.planned + 1))
            dag.backfill = LiveBackfill(
                id=row.id,
                dag_id=row.dag_id,
                since=row.from_date,
                until=row.to_date,
                before=row.created_at,
                max_active_runs=row.max_active_runs,
                reprocess=row.reprocess_behavior,
                backwards=row.run_backwards,
                conf=row.dag_run_conf,
                paused=row.is_paused,
                planned=row.planned,
                planned_at=row.planned_at,
                made=row.made,
                last=newest[0].interval if newest else None,
                cancelled_at=row.cancelled_at,
            )
            memory.filling.append(dag.backfill)

    def _take_up_queued(self, memory: Memory) -> None:
        """Runs that wait are read when they start: however many there are, they take next to no memory."""
        for row in self._runs.queued_runs():
            dag = memory.dags.get(row.dag_id)
            if dag is not None:
                of_backfill = dag.backfill is not None and dag.backfill.id == row.backfill_id
                lane = dag.backfill if dag.backfill is not None and of_backfill else dag
                lane.queued.append(QueuedRun(row.pk, row.even_if_paused))

    def _take_up_attempts(self, memory: Memory) -> None:
        by_instance = {pk: (run, number) for run in memory.runs.values() for number, pk in enumerate(run.pks)}
        for row in self._attempts.open_attempts():
            found = by_instance.get(row.ti_pk or 0) if row.kind == "task" else None
            if found is not None:
                run, number = found
                memory.attempts[row.id] = OpenAttempt(
                    row.id, run, number, row.executor, row.claimed_by, row.started_at is not None
                )

    def _take_up_callbacks(self, memory: Memory, only_runs: Collection[int] | None) -> None:
        """Callbacks that were not called to their end; those without a claim were never handed out. Most are of runs that
        have ended, which are read for them alone."""
        rows = [row for row in self._callbacks.open() if only_runs is None or row.attempt.run_pk in only_runs]
        runs = dict(memory.runs)
        missing = {row.attempt.run_pk for row in rows} - runs.keys()
        runs |= {loaded.run.pk: self._restore(memory, loaded) for loaded in self._runs.load(missing)}
        for row in rows:
            attempt = row.attempt
            run = runs[attempt.run_pk]
            open_attempt = OpenAttempt(
                attempt.id,
                run,
                run.pks.index(attempt.ti_pk) if attempt.ti_pk in run.pks else -1,
                attempt.executor,
                attempt.claimed_by,
                attempt.started_at is not None,
                row.request,
                attempt.physical_no,
            )
            if attempt.claimed_by is None:
                memory.waiting_callbacks.append(open_attempt)
            else:
                memory.attempts[attempt.id] = open_attempt
                memory.callbacks_out[attempt.executor] += 1

    def _take_up_inputs(self, memory: Memory) -> None:
        """What people are asked, and what was answered and not yet gone on with."""
        for asked in self._inputs.find(open_only=True):
            run = memory.runs.get(asked.run_pk)
            if run is not None and asked.ti_pk in run.pks:
                memory.inputs[asked.ti_pk] = OpenInput(asked.attempt_id, asked.request)

    @staticmethod
    def _take_up_waits(runs: Iterable[LiveRun], waits: dict[int, Wait]) -> None:
        """Waits of instances that wait, or that go on with what they waited for."""
        if waits:
            for run in runs:
                for number, pk in enumerate(run.pks):
                    if pk in waits:
                        run.waits[number] = waits[pk]
