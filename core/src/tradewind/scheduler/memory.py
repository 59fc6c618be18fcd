"""What the scheduler has in memory: DAGs, runs in flight, open attempts. All of it can be read back."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime

from tradewind.logic.admission import Admission, Candidate
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.run import DataInterval
from tradewind.model.spec import DagSpec
from tradewind.model.states import TaskState
from tradewind.scheduler.past import EarlierRuns, History
from tradewind.scheduler.queue import LiveBackfill, RunQueue
from tradewind.timetables import PlannedRun, Timetable
from tradewind.timetables.base import Bounds


@dataclass(slots=True)
class LiveDag:
    """A DAG that the scheduler serves. ``planned`` is its next scheduled run."""

    dag_id: str
    version_id: str
    spec: DagSpec
    timetable: Timetable
    paused: bool
    is_stale: bool
    cursor: DataInterval | None = None
    planned: PlannedRun | None = None
    planned_for: object = None  #: the :attr:`standing` that ``planned`` was worked out for
    queued: RunQueue = field(default_factory=RunQueue)  #: runs that wait for a place
    active: int = 0  #: runs that are running, but those of a backfill
    paused_reason: str | None = None  #: where it was not a person who switched it off
    backfill: LiveBackfill | None = None  #: the one that is not completed

    @property
    def standing(self) -> object:
        """What, besides the time, the next scheduled run depends on."""
        return (self.version_id, self.cursor, self.paused, self.is_stale)

    @property
    def has_room(self) -> bool:
        """Whether one more run may start."""
        return self.active < self.spec.max_active_runs


@dataclass(slots=True)
class OpenAttempt:
    """An attempt that was issued and has not ended."""

    id: str
    run: LiveRun
    number: int
    executor: str
    session: str | None
    started: bool = False

    @property
    def is_to_end(self) -> bool:
        """Whether it was asked to end and has not said yet that it did."""
        return self.run.states[self.number] is TaskState.RESTARTING


@dataclass(slots=True)
class Memory:
    """Everything that is lost when the process dies, and read back by the next one."""

    history: History | None = None  #: what the store knows of earlier runs
    dags: dict[str, LiveDag] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)  #: by version
    runs: dict[int, LiveRun] = field(default_factory=dict)  #: by pk
    attempts: dict[str, OpenAttempt] = field(default_factory=dict)  #: by id
    admission: Admission = field(default_factory=Admission)
    last_transition: Counter[int] = field(default_factory=Counter)  #: by shard
    #: small values pushed lately, by run, so that the next task's order can carry them
    xcoms: dict[int, dict[tuple[str, str, int], bytes]] = field(default_factory=dict)
    #: deferred instances, by the id of their wait
    waiting: dict[str, tuple[LiveRun, int]] = field(default_factory=dict)
    parked: set[int] = field(default_factory=set)  #: runs put aside, since deciding for them raised
    #: backfills that are to be moved on, the next one first
    filling: deque[LiveBackfill] = field(default_factory=deque)
    past: EarlierRuns = field(init=False)

    def __post_init__(self) -> None:
        self.past = EarlierRuns(self.history, self.runs)

    def candidate(self, run: LiveRun, number: int, default_executor: str) -> Candidate:
        """The instance as admission sees it."""
        task, spec, info = run.task(number), run.plan.spec, run.info
        moment = info.logical_date or info.run_after
        return Candidate(
            key=(run.pk, number),
            dag_id=info.dag_id,
            task_id=task.task_id,
            run_pk=run.pk,
            priority=task.priority_weight,
            order=moment.timestamp(),
            pool=task.pool,
            slots=task.pool_slots,
            executor=task.executor or spec.executor or default_executor,
            max_of_dag=spec.max_active_tasks,
            max_of_task=task.max_active_tis_per_dag,
            max_of_task_in_run=task.max_active_tis_per_dagrun,
            even_if_paused=run.even_if_paused,
        )

    def remember_xcom(self, run_pk: int, place: tuple[str, str, int], value: bytes) -> None:
        """Keep a value at hand if it is small; ``place``: task id, key, map index."""
        if len(value) <= 4096:
            kept = self.xcoms.setdefault(run_pk, {})
            if len(kept) < 10_000:
                kept[place] = value

    def forget_run(self, run: LiveRun) -> None:
        """The run is over, or is to be read back."""
        self.runs.pop(run.pk, None)
        self.xcoms.pop(run.pk, None)
        self.past.let_go(run)


def planned_after(dag: LiveDag, now: datetime) -> PlannedRun | None:
    """The DAG's next scheduled run; ``None`` while it is switched off, gone, or has none."""
    if dag.paused or dag.is_stale:
        return None
    spec = dag.spec
    starts = [task.start_date for task in spec.tasks if task.start_date is not None]
    earliest = spec.start_date or (min(starts) if starts else None)
    return dag.timetable.next_run(dag.cursor, Bounds(earliest, spec.end_date, spec.catchup), now)
