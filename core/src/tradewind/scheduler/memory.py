"""What the scheduler has in memory: DAGs, runs in flight, open attempts. All of it can be read back."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime

from tradewind.logic.admission import Admission, Candidate
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.messages import AssetUpdated
from tradewind.model.run import DataInterval, RunInfo
from tradewind.model.spec import DagSpec
from tradewind.model.states import RunType, TaskState
from tradewind.ports.planner import TimetableAnswer
from tradewind.scheduler.human_input import OpenInput
from tradewind.scheduler.past import EarlierRuns, History
from tradewind.scheduler.queue import LiveBackfill, RunQueue
from tradewind.scheduler.subscribers import Subscribers
from tradewind.store.rows import RunWatchRow
from tradewind.timetables import Bounds, PlannedRun, Timetable
from tradewind.timetables.planning import next_planned


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
    bounds: Bounds = field(default_factory=Bounds)  #: between which dates it runs, as its spec says
    vetted: bool = False  #: that it may make up for what it missed
    held: bool = False  #: more is to be made up for than is done without being asked
    watched: datetime | None = None  #: the moment for which its next run is noted
    queued: RunQueue = field(default_factory=RunQueue)  #: runs that wait for a place
    active: int = 0  #: runs that are running, but those of a backfill
    paused_reason: str | None = None  #: where it was not a person who switched it off
    backfill: LiveBackfill | None = None  #: the one that is not completed

    @property
    def standing(self) -> object:
        """What, besides the time, the next scheduled run depends on."""
        return (self.version_id, self.cursor, self.paused, self.is_stale)

    def scheduled(self, planned: PlannedRun) -> RunInfo:
        """The scheduled run that is planned."""
        return RunInfo(
            dag_id=self.dag_id,
            run_id=f"scheduled__{planned.logical_date.isoformat()}",
            run_type=RunType.SCHEDULED,
            logical_date=planned.logical_date,
            data_interval=planned.interval,
            run_after=planned.run_after,
            version_id=self.version_id,
        )

    @property
    def has_room(self) -> bool:
        """Whether one more run may start."""
        return self.active < self.max_active_runs

    @property
    def max_active_runs(self) -> int:
        """How many runs may be active at once: what the DAG says, or its timetable where that allows less."""
        allowed, limit = self.spec.max_active_runs, self.timetable.active_runs_limit
        return allowed if limit is None else min(allowed, limit)

    @property
    def may_make_run(self) -> bool:
        """Whether a scheduled run may be made, as far as the others are concerned."""
        return self.active + len(self.queued) < self.max_active_runs


@dataclass(slots=True)
class OpenAttempt:
    """An attempt that was issued and has not ended.

    :param number: the instance; -1 for callbacks of the run itself.
    :param callback: what it is to call, for an attempt of kind ``callback``.
    :param delivery: of a callback: how many attempts there were at it, this one included.
    """

    id: str
    run: LiveRun
    number: int
    executor: str
    session: str | None
    started: bool = False
    callback: CallbackRequest | None = None
    delivery: int = 1

    @property
    def is_to_end(self) -> bool:
        """Whether it was asked to end and has not said yet that it did."""
        return self.callback is None and self.run.states[self.number] is TaskState.RESTARTING


@dataclass(slots=True)
class Memory:
    """Everything that is lost when the process dies, and read back by the next one."""

    history: History | None = None  #: what the store knows of earlier runs
    dags: dict[str, LiveDag] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)  #: by version
    runs: dict[int, LiveRun] = field(default_factory=dict)  #: by pk
    attempts: dict[str, OpenAttempt] = field(default_factory=dict)  #: by id
    #: callbacks that wait for room, the oldest first
    waiting_callbacks: deque[OpenAttempt] = field(default_factory=deque)
    callbacks_out: Counter[str] = field(default_factory=Counter)  #: those handed out, by executor
    inputs: dict[int, OpenInput] = field(default_factory=dict)  #: by the instance's pk
    deadlines: dict[tuple[int, int], datetime] = field(
        default_factory=dict
    )  #: open ones, by run's pk and number
    admission: Admission = field(default_factory=Admission)
    last_transition: Counter[int] = field(default_factory=Counter)  #: by shard
    #: small values pushed lately, by run, so that the next task's order can carry them
    xcoms: dict[int, dict[tuple[str, str, int], bytes]] = field(default_factory=dict)
    #: what triggered runs of DAGs with a plugin's timetable are about, by the command: when it was asked, and the answer
    manual: dict[str, tuple[datetime, TimetableAnswer]] = field(default_factory=dict)
    #: deferred instances, by the id of their wait
    waiting: dict[str, tuple[LiveRun, int]] = field(default_factory=dict)
    parked: set[int] = field(default_factory=set)  #: runs put aside, since deciding for them raised
    subscribers: Subscribers = field(default_factory=Subscribers)  #: which DAGs wait for which assets
    #: by DAG: the updates of assets that it has been told of, and that have not made a run yet
    updates: dict[str, list[AssetUpdated]] = field(default_factory=dict)
    #: by DAG and run id: who waits for the run's end
    run_watches: dict[tuple[str, str], list[RunWatchRow]] = field(default_factory=dict)
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
            max_of_run=spec.max_active_tasks,
            max_of_task=task.max_active_tis_per_dag,
            max_of_task_in_run=task.max_active_tis_per_dagrun,
            even_if_paused=run.even_if_paused,
        )

    @property
    def has_callbacks(self) -> bool:
        """Whether callbacks wait, or are being called."""
        return bool(self.waiting_callbacks) or any(self.callbacks_out.values())

    def runs_with_callbacks(self) -> set[int]:
        """The runs, by pk, that have callbacks which were not called to their end."""
        out = (attempt for attempt in self.attempts.values() if attempt.callback is not None)
        return {attempt.run.pk for attempt in (*self.waiting_callbacks, *out)}

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
    return next_planned(dag.timetable, dag.planned, dag.cursor, dag.bounds, now)
