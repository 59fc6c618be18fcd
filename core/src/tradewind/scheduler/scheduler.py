"""The scheduler: waits, gathers what came in, lets a turn decide, commits, and then acts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tradewind.errors import StoreError
from tradewind.logic.expansion import MAX_MAP_LENGTH
from tradewind.logic.live_run import LiveRun, Transition
from tradewind.model.commands import CatchUp
from tradewind.model.facts import Fact
from tradewind.model.states import RunState, TaskState
from tradewind.ports.clock import Clock, IdSource
from tradewind.ports.executor import Executor, Session
from tradewind.ports.planner import Planner
from tradewind.scheduler.answers import Answers
from tradewind.scheduler.asset_answers import AssetAnswers
from tradewind.scheduler.backfills import Backfills
from tradewind.scheduler.catchup import CatchUps
from tradewind.scheduler.claims import Claims
from tradewind.scheduler.commands import Commands
from tradewind.scheduler.correspondence import Correspondence
from tradewind.scheduler.deadlines import DueDeadlines
from tradewind.scheduler.dispatch import RETRY_AFTER, Dispatch
from tradewind.scheduler.dues import Dues
from tradewind.scheduler.externals import Externals, awaited_of
from tradewind.scheduler.foreign_schedules import ForeignSchedules
from tradewind.scheduler.inbox import Doorbell
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.loop import Loop
from tradewind.scheduler.memory import LiveDag, Memory, OpenAttempt
from tradewind.scheduler.orders import Orders
from tradewind.scheduler.schedules import Schedules
from tradewind.scheduler.surroundings import Surroundings
from tradewind.scheduler.triggers import TriggererAccess, Triggers
from tradewind.scheduler.turn import Turn
from tradewind.scheduler.waiting import Waits
from tradewind.scheduler.waits import keep
from tradewind.store.attempts import AttemptRepository
from tradewind.store.backfills import BackfillRepository
from tradewind.store.commands import CommandRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store
from tradewind.store.runs import RunRepository
from tradewind.store.variables import VariableRepository
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository

log = logging.getLogger("tradewind.scheduler")

LOOK_EVERY = 1.0  #: seconds between looks at the store where no bell rings
COMMANDS_A_TURN = 100

Listener = Callable[[list[Transition]], None]

#: what a turn passes, in order; a crash at any of them must lose and double nothing
POINTS = ("begun", "decided", "written", "committed", "acknowledged", "submitted", "flushed", "acted")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a scheduler is made of; wired in ``app``."""

    store: Store
    clock: Clock
    ids: IdSource
    executors: Mapping[str, Executor]
    default_executor: str
    variables: VariableRepository
    connections: ConnectionRepository
    max_map_length: int = MAX_MAP_LENGTH
    doorbell: Path | None = None
    planner: Planner | None = None  #: asks the timetables of plugins
    catchup_confirm_above: int = 1000  #: a catch-up of more runs waits for a confirmation
    triggerer: TriggererAccess | None = None
    #: False: serve only ``runs`` and those that are asked for from now on; follow no schedule, take up nothing else
    serves_all: bool = True
    runs: frozenset[int] = frozenset()
    callbacks_at_once: int = 4  #: on each executor
    callback_timeout: float = 300.0  #: seconds
    #: told of each of :data:`POINTS` that a turn passes; for tests that end the process there
    passing: Callable[[str], None] = lambda _point: None


class Scheduler:
    """The owner of all DAGs. The caller holds the scheduler's lock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.loop = Loop(parts.clock)
        self._writer = Writer(parts.store)
        self._command_rows = CommandRepository(parts.store)
        xcoms, runs, dags = (
            XComRepository(parts.store),
            RunRepository(parts.store),
            DagRepository(parts.store),
        )
        claims = Claims(AttemptRepository(parts.store))
        answers = Answers(
            parts.variables,
            parts.connections,
            xcoms,
            runs,
            AssetAnswers(parts.store),
            lambda: self.memory,
            lambda fields: self._waits.externals.verdict(awaited_of(fields)),
        )
        self._dispatch = Dispatch(
            parts.executors,
            Orders(xcoms, parts.callback_timeout),
            answers,
            dags,
            self.loop,
            parts.clock,
            lambda: self.memory,
            self.take_fact,
            claims,
        )
        self._dues = Dues(self.loop)
        triggers = Triggers(
            parts.triggerer,
            self.loop,
            parts.clock,
            lambda: self.memory,
            self._dispatch.bundle,
            answers.answer,
            self.take_fact,
            parts.serves_all,
        )
        self._waits = Waits(
            lambda over: Externals(dags, runs, over),
            triggers,
            parts.clock,
            lambda: self.memory,
            self.take_fact,
            self.loop.later,
        )
        self._loading = Loading(parts.store)
        self._deadlines = DueDeadlines(self.loop, self._loading, lambda: self.memory)
        self._backfills = Backfills(BackfillRepository(parts.store), self._loading)
        self._foreign = ForeignSchedules(
            parts.planner, self.loop, lambda: self.memory, self._dues.look_at, self.ring
        )
        self._schedules = Schedules(
            parts.clock,
            self.loop,
            self._loading,
            lambda: self.memory,
            self._foreign,
            self._dues.look_at,
            self._prepare,
        )
        self._commands = Commands(self._loading, self._backfills)
        self._correspondence = Correspondence(parts.store, self._loading, self._commands, parts.serves_all)
        self._around = Surroundings(
            self._writer,
            parts.ids.new_id,
            parts.executors,
            parts.default_executor,
            claims.holder,
            CatchUps(parts.catchup_confirm_above, partial(self._command_rows.last_applied, CatchUp.kind)),
            parts.max_map_length,
            self._loading.fetch,
            parts.serves_all,
            parts.callbacks_at_once,
            runs.average_runtime,
        )
        self._bell = Doorbell(parts.doorbell) if parts.doorbell else None
        self._facts: list[tuple[Fact, str, Callable[[], None] | None]] = []
        self._work_waits = True  # there is something to do besides facts and due times
        self._seen_version: int | None = None
        self._broken = False
        self._doubtful: list[
            tuple[OpenAttempt, str]
        ] = []  # to cancel, if the turn that failed was committed after all
        self.listeners: list[Listener] = []
        self.stopping = False
        #: start nothing more, but take in what those that run report
        self.draining = False
        self.memory = Memory()

    # -- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read the memory back, get the executors ready."""
        self._load()
        if self._bell is not None:
            self.loop.watch(self._bell, self._rang)
        self._dispatch.start(self.ring)
        self.loop.later(LOOK_EVERY, self._look)

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Work until :attr:`stopping` is set or ``until`` says so."""
        while not self.stopping and not until():
            self.turn()

    def turn(self, longest: float = LOOK_EVERY) -> None:
        """Wait for something, and work on all that there is."""
        if not self.has_work:
            self.loop.turn(longest)
        else:
            self.loop.turn(0.0)
        if self.has_work and not self._broken:
            self._work()

    def close(self) -> None:
        """Let go of everything. Attempts that run are not touched."""
        self._dispatch.stop()
        self._foreign.close()
        self._waits.triggers.stop()
        if self._bell is not None:
            self._bell.close()
        self._writer.close()
        self.loop.close()

    def apply_alone(self, command_id: str) -> None:
        """Apply one command on a system where no scheduler runs: nothing starts, nothing is handed out.

        :raises StoreError: where the store cannot be written.
        """
        row = self._command_rows.get(command_id)
        if row is None or row.applied_at is not None:
            return
        self.memory = self._loading.everything()
        turn = Turn(self.memory, self._parts.clock.now(), self._around)
        self._commands.apply(turn, row)
        if turn.effects.questions:
            self._foreign.answer_at_once(turn.effects.questions)
            self._commands.apply(turn, row)
        turn.finish(starts=False)
        self._correspondence.send(turn)
        self._writer.write(turn.batch)
        self._writer.commit()

    # -- the work --------------------------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """Whether something came in that was not worked on yet."""
        backfills = self.memory.filling and not self.draining
        return bool(self._facts or self._work_waits or self._dues or self._deadlines or backfills)

    def _work(self) -> None:
        """One turn: decide, commit, act. Where the commit fails, memory is read back and the facts are kept."""
        passing = self._parts.passing
        passing("begun")
        facts, self._facts = self._facts, []
        turn = Turn(self.memory, self._parts.clock.now(), self._around)
        try:
            for fact, session, _ in facts:
                turn.fact(fact, session)
            self._dues.apply(turn, self.memory)
            self._deadlines.apply(turn)
            if self._work_waits:
                self._work_waits = False
                rows = self._command_rows.open_commands(limit=COMMANDS_A_TURN)
                for row in rows:
                    self._commands.apply(turn, row)
                more = self._correspondence.receive(turn)
                self._work_waits = more or len(rows) >= COMMANDS_A_TURN
            if not self.draining:
                self._backfills.advance(turn)
            turn.finish(starts=not self.draining)
            self._correspondence.send(turn)
            passing("decided")
            if turn.batch:
                self._writer.write(turn.batch)
            passing("written")
            self._writer.commit()
            passing("committed")
        except StoreError as error:
            self._failed_to_commit(error, facts, turn)
            return
        for _, _, acknowledge in facts:
            if acknowledge is not None:
                acknowledge()
        passing("acknowledged")
        self._act(turn)
        passing("acted")

    def _act(self, turn: Turn) -> None:
        effects = turn.effects
        if turn.batch.new_facts:
            self._work_waits = True
        for attempt, reason in effects.cancels:
            self._dispatch.cancel(attempt, reason)
        for attempt in effects.issued:
            self._dispatch.submit(attempt)
        self._parts.passing("submitted")
        self._dispatch.flush()
        self._parts.passing("flushed")
        self._waits.act(turn)
        for run, number in effects.waits:
            self._dues.wait(run, number)
        for run in effects.started_runs:
            self._dues.watch_time_limit(run)
        self._schedules.act(effects, turn.now)
        for dag in effects.again:
            self._dues.look_at(dag.dag_id)
        self._deadlines.watch(effects.deadlines)
        for listener in self.listeners:
            listener(turn.machine.delta.transitions)

    def _prepare(self, dag: LiveDag) -> None:
        self._dispatch.prepare(dag.spec.executor or self._parts.default_executor, dag.version_id)

    def _failed_to_commit(
        self, error: StoreError, facts: list[tuple[Fact, str, Callable[[], None] | None]], turn: Turn
    ) -> None:
        log.error("Nothing of this turn is kept, it is tried again: %s", error)
        self._writer.rollback()
        self._facts = facts + self._facts
        self._broken = True
        self._doubtful += turn.effects.cancels
        self.loop.later(RETRY_AFTER, self._mend)

    def _mend(self) -> None:
        """Read back what the store has after a commit that failed, or seemed to: a server may commit and not be heard."""
        try:
            self._load()
        except StoreError as error:
            log.error("The store cannot be read either: %s", error)
            self.loop.later(RETRY_AFTER, self._mend)
            return
        self._broken = False
        doubtful, self._doubtful = self._doubtful, []
        self._dispatch.catch_up(doubtful)

    # -- memory ----------------------------------------------------------------------------------------------

    def _load(self) -> None:
        own = None
        if not self._parts.serves_all:
            own = self._parts.runs | set(self.memory.runs) | self.memory.runs_with_callbacks()
        self.memory = self._loading.everything(own)
        self._work_waits = True
        self._schedules.look_at_all()
        for run in list(self.memory.runs.values()):
            if run.state is RunState.RUNNING:
                self._take_up(run)
                if run.plan.looks_back:
                    self._dues.resume(run)
        self._deadlines.watch(self.memory.deadlines)
        self._waits.reload()

    def _take_up(self, run: LiveRun) -> None:
        """A run that was going on: put its instances where they belong."""
        admission, default = self.memory.admission, self._parts.default_executor
        for number in run.numbers():
            state = run.states[number]
            if state is TaskState.SCHEDULED:
                admission.add(self.memory.candidate(run, number, default))
            elif state in (TaskState.QUEUED, TaskState.RUNNING, TaskState.RESTARTING):
                admission.ledger.take(self.memory.candidate(run, number, default))
            elif state in (TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE, TaskState.DEFERRED):
                self._dues.wait(run, number)
                if state is TaskState.DEFERRED:
                    keep(self.memory, run, number, default)
        self._dues.watch_time_limit(run)

    # -- the inbox -------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Look at the tables of commands and facts in the next turn."""
        self._work_waits = True

    def _rang(self) -> None:
        if self._bell is not None and self._bell.drain():
            self._work_waits = True

    def _look(self) -> None:
        """Whether somebody wrote without ringing."""
        self.loop.later(LOOK_EVERY, self._look)
        self._schedules.heed_the_clock()
        try:
            version = self._writer.data_version()
        except StoreError:
            version = None
        if version is None or version != self._seen_version:
            self._seen_version = version
            self._work_waits = True
        elif not self._facts:
            with suppress(StoreError):  # a full disk, or somebody reads: there is another time
                self._writer.checkpoint_if_idle()

    def take_fact(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None) -> None:
        """A fact has come in; it is applied in this turn or the next."""
        self._facts.append((fact, session, acknowledge))

    def sessions(self) -> list[Session]:
        """Whoever works for it at present."""
        return [*self._dispatch.sessions(), *self._waits.triggers.sessions()]
