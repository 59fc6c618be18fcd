"""The world of one seed: a store, agents, people and files, time, and the scheduler, which dies and is started anew."""

from __future__ import annotations

import heapq
import logging
import sqlite3
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from tradewind.model.commands import PauseBackfill, PoolChanged, SetPaused
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted, Fact
from tradewind.model.order import Order
from tradewind.scheduler.scheduler import Parts, Scheduler
from tradewind.store.attempts import AttemptRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.facts import FactRepository
from tradewind.store.tables import from_micros
from tradewind.store.variables import VariableRepository

from .agent import SimAgent
from .clock import SimClock, SimIds
from .due import due_runs_are_there
from .evidence import Broken
from .executor import AgentExecutor, BrokerExecutor, SimExecutor
from .features import FEATURES
from .files import Files
from .people import People
from .place import Place
from .story import Story, StoryHandler
from .triggerer import SimTriggerer
from .troubles import Crash, Troubles
from .work import Work

STORM = 3000.0  #: seconds for which things go wrong
LONGEST_CALM = 40 * 86400.0  #: seconds after which whatever has not ended never will
MOST_STEPS = 20_000
CAPACITY = {"local": 4, "broker": 2}
AGENTS = {"local": 1, "broker": 2}  #: at most


class World:
    """Everything there is. :meth:`play` lives it from the beginning to the end."""

    def __init__(self, seed: int, place: Place) -> None:
        place.clean()
        self.dice = Random(seed)
        self.clock = SimClock()
        self.ids = SimIds(self.clock, self.dice)
        self.story = Story(self.clock)
        self.broken: list[Broken] = []
        self.stormy = True
        self.dead_sessions: list[str] = []
        self._events: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = count()
        self.path, self.store, self._vault = place.path, place.store, place.vault
        self._reader = sqlite3.connect(self.path, isolation_level=None)
        self._reader.row_factory = sqlite3.Row
        self.facts = FactRepository(self.store)
        self._attempts = AttemptRepository(self.store)
        self._agents: list[SimAgent] = []
        self._awaited: list[tuple[str, Callable[[], None]]] = []
        self.scheduler: Scheduler | None = None
        self.executors: dict[str, SimExecutor] = {}
        self.triggerer = SimTriggerer(self, place.folder / "triggerer.sock")
        self.work = Work(self, self.dice)
        self.people = People(self)
        self.files = Files(self)
        self.troubles = Troubles(self, self.dice)
        self.dag_ids = [f"d{number}" for number in range(self.dice.choice((1, 1, 2, 3)))]
        self.steps = 0
        self._last_point = ""

    # -- life ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """The storm, and then the calm in which all must come to its end."""
        handler = StoryHandler(self.story)
        logger = logging.getLogger("tradewind")
        logger.addHandler(handler)
        logger.propagate, before = False, logger.propagate
        try:
            self._begin()
            while self.clock.elapsed < STORM and self.steps < MOST_STEPS:
                self._step()
            self._calm_down()
            give_up = self.clock.elapsed + LONGEST_CALM
            while not self._at_rest() and self.clock.elapsed < give_up and self.steps < MOST_STEPS:
                self._step()
            while self._events:  # what still runs somewhere comes to its end, and must not change anything
                self._step()
        finally:
            logger.removeHandler(handler)
            logger.propagate = before

    def close(self) -> None:
        """Let go of everything."""
        if self.scheduler is not None:
            self.scheduler.close()
        self.triggerer.close()
        self.troubles.unlock()
        self._reader.close()

    def _begin(self) -> None:
        for name in ("p", "q"):
            self.people.set_pool(name, self.dice.choice((1, 2, 3)))
        for dag_id in self.dag_ids:
            self.files.make(dag_id, self.dice)
        self.start_agent("local")
        for _ in range(self.dice.choice((1, 2))):
            self.start_agent("broker")
        self.start_scheduler()
        self.after(1.0, self._stir)

    def _stir(self) -> None:
        if self.stormy:
            for feature in FEATURES:
                feature.stir(self, self.dice)
            self.troubles.stir()
            self.after(self.dice.choice((0.5, 20.0, 60.0, 300.0)), self._stir)

    def _calm_down(self) -> None:
        """Nothing goes wrong any more, and nobody stands in the way."""
        self.story.note("world", "the storm is over")
        self.stormy = self.work.trouble = False
        self.troubles.unlock()
        for name in CAPACITY:
            if not self.agents_of(name):
                self.start_agent(name)
        if self.scheduler is None:
            self.start_scheduler()
        for name in ("p", "q"):
            self.people.set_pool(name, 100)
            self.people.ask(PoolChanged(name=name))
        for dag_id in self.dag_ids:
            self.files.save(dag_id)
            self.people.ask(SetPaused(dag_id=dag_id, paused=False))

    def _switch_on(self) -> None:
        """What somebody switched off at the last moment goes on.

        Where the clock was set back meanwhile, that takes effect after the switching on: commands go by the time of day.
        """
        if self.rows("SELECT 1 FROM command WHERE open"):
            return
        for row in self.rows("SELECT dag_id FROM dag WHERE paused"):
            self.people.ask(SetPaused(dag_id=row["dag_id"], paused=False))
        for row in self.rows("SELECT id, dag_id FROM backfill WHERE open AND is_paused"):
            self.people.ask(PauseBackfill(dag_id=row["dag_id"], backfill_id=row["id"], paused=False))

    def _at_rest(self) -> bool:
        (row,) = self.rows(
            "SELECT (SELECT count(*) FROM dag_run WHERE state NOT IN ('success', 'failed'))"
            " + (SELECT count(*) FROM command WHERE open) + (SELECT count(*) FROM attempt WHERE open)"
            " + (SELECT count(*) FROM fact) + (SELECT count(*) FROM backfill WHERE open)"
            " + (SELECT count(*) FROM dag WHERE next_run_after IS NOT NULL) AS n"
        )
        return row["n"] == 0 and not self._awaited and (self.scheduler is None or not self.scheduler.has_work)

    def _step(self) -> None:
        """Let the scheduler work on all that there is, then let time pass until something else happens."""
        self.steps += 1
        self._run_scheduler()
        self._tell_applied()
        if not self.stormy:
            self._switch_on()
        leap = self.dice.choice((5.0, 30.0, 60.0)) if self.stormy else 300.0
        if not self.stormy and not self._events:
            leap = 3600.0
        moment = self.clock.elapsed + leap
        if self._events:
            moment = min(moment, self._events[0][0])
        self.clock.elapsed = max(self.clock.elapsed, moment)
        while self._events and self._events[0][0] <= self.clock.elapsed:
            _, _, call = heapq.heappop(self._events)
            try:
                call()
            except Crash:
                self.bury()

    def _run_scheduler(self) -> None:
        if self.scheduler is None:
            return
        try:
            for _ in range(6):
                self.scheduler.turn(0.0)
                heard = self.triggerer.pump()
                if not self.scheduler.has_work and not heard:
                    self._look_for_due_runs()
                    break
        except Crash:
            self.bury()

    def _look_for_due_runs(self) -> None:
        """Now and then, where the scheduler has done all that there was."""
        if self._last_point == "acted" and not self.broken and self.dice.random() < 0.05:
            self.broken += due_runs_are_there(self)

    # -- the scheduler ---------------------------------------------------------------------------------------

    def start_scheduler(self) -> None:
        """A scheduler takes up what the store has."""
        if self.scheduler is not None:
            return
        self.story.note("world", "a scheduler starts")
        self.executors = {"local": AgentExecutor(self), "broker": BrokerExecutor(self)}
        self.scheduler = Scheduler(
            Parts(
                store=self.store,
                clock=self.clock,
                ids=self.ids,
                executors=self.executors,
                default_executor="local",
                variables=VariableRepository(self.store, self._vault),
                connections=ConnectionRepository(self.store, self._vault),
                triggerer=self.triggerer.access,
                passing=self.hazard,
            )
        )
        try:
            self.scheduler.start()
        except Crash:
            self.bury()

    def bury(self) -> None:
        """The scheduler is dead: what it had not committed is gone, and so is its memory."""
        if self.scheduler is not None:
            dead, self.scheduler = self.scheduler, None
            dead.close()  # lets go of descriptors, and writes nothing
            downtime = self.dice.choice((0.1, 5.0, 60.0, 1200.0)) if self.stormy else 1.0
            self.after(downtime, self.start_scheduler)

    def hazard(self, point: str) -> None:
        """The scheduler passes a point."""
        self._last_point = point
        self.troubles.hazard(point)

    def ring(self) -> None:
        """The doorbell."""
        if self.scheduler is not None:
            self.scheduler.ring()

    # -- agents ----------------------------------------------------------------------------------------------

    def agents_of(self, executor: str) -> list[SimAgent]:
        """The living agents of an executor."""
        return [agent for agent in self._agents if agent.executor == executor and agent.alive]

    def start_agent(self, executor: str) -> None:
        """An agent starts, unless there is one in its place, and is reached by the scheduler a little later."""
        if len(self.agents_of(executor)) >= AGENTS[executor]:
            return
        agent = SimAgent(self, executor, CAPACITY[executor], claims=executor == "broker")
        self._agents.append(agent)
        self.story.note("world", "agent %s starts", agent.name)
        self.after(self.latency(), lambda: self._reach(agent))

    def _reach(self, agent: SimAgent) -> None:
        if self.scheduler is not None and (agent.line is None or not agent.line.is_open):
            self.executors[agent.executor].connect(agent)

    def cut_line(self, dice: Random) -> None:
        """A connection is lost; both ends live."""
        agents = [agent for agent in self._agents if agent.alive and agent.line and agent.line.is_open]
        if agents:
            agent = dice.choice(agents)
            self.story.note("world", "the line to %s is cut", agent.name)
            assert agent.line is not None
            agent.line.executor.line_lost(agent.line)
            self.after(dice.choice((0.1, 30.0)), lambda: self._reach(agent))

    def kill_agent(self, dice: Random) -> None:
        """An agent dies with all that it runs; another one is started some time later."""
        agents = [agent for agent in self._agents if agent.alive]
        if not agents:
            return
        agent = dice.choice(agents)
        self.story.note("world", "agent %s dies", agent.name)
        agent.die()
        self.after(dice.choice((1.0, 120.0)), lambda: self.start_agent(agent.executor))
        if agent.executor == "broker":
            self.after(60.0, lambda: self._noticed_dead(agent))

    def _noticed_dead(self, agent: SimAgent) -> None:
        self.dead_sessions.append(agent.session)
        executor = self.executors.get("broker")
        if self.scheduler is not None and executor is not None and executor.host is not None:
            executor.host.session_ended(agent.session, "its beats stopped")

    def claim(self, attempt_id: str, session: str) -> bool:
        """An agent claims an attempt."""
        return self._attempts.claim(attempt_id, session, self.clock.now())

    # -- time ------------------------------------------------------------------------------------------------

    def at(self, moment: float, call: Callable[[], Any]) -> None:
        """Call at that second."""
        heapq.heappush(self._events, (moment, next(self._order), call))

    def after(self, seconds: float, call: Callable[[], Any]) -> None:
        """Call after so many seconds."""
        self.at(self.clock.elapsed + seconds, call)

    def latency(self) -> float:
        """How long a message takes."""
        return self.dice.choice((0.0, 0.001, 0.001, 0.5, 10.0)) if self.stormy else 0.001

    # -- what the outside sees -------------------------------------------------------------------------------

    def rows(self, query: str, *arguments: Any) -> list[sqlite3.Row]:
        """Committed rows, read by a connection that is not the scheduler's."""
        return self._reader.execute(query, arguments).fetchall()

    def newest_transition(self) -> int:
        """The number of the newest transition in the order of commits."""
        newest: int | None = self.rows("SELECT max(rowid) AS n FROM 'transition'")[0]["n"]
        return newest or 0

    def when_applied(self, command_id: str, call: Callable[[], None]) -> None:
        """Call once a command was applied."""
        self._awaited.append((command_id, call))

    def _tell_applied(self) -> None:
        for pair in list(self._awaited):
            if self.rows("SELECT 1 FROM command WHERE id = ? AND applied_at IS NOT NULL", pair[0]):
                self._awaited.remove(pair)
                pair[1]()

    def check_committed(self, order: Order) -> None:
        """An order is handed over: its attempt must be in the store."""
        if not self.rows("SELECT 1 FROM attempt WHERE id = ?", order.attempt_id):
            self.broken.append(
                Broken("6", f"the order of {self.name_of(order)} went out before it was committed")
            )

    def promised(self, fact: Fact, session: str) -> None:
        """A fact is acknowledged: what it says must be in the store."""
        if isinstance(fact, AttemptFinished | AttemptLost):
            wanted = "ended_at IS NOT NULL"
        elif isinstance(fact, AttemptStarted):
            wanted = "started_at IS NOT NULL OR ended_at IS NOT NULL"
        else:
            return
        query = f"SELECT 1 FROM attempt WHERE id = ? AND claimed_by = ? AND NOT ({wanted})"
        if self.rows(query, fact.attempt_id, session):
            what = type(fact).__name__
            self.broken.append(
                Broken("6", f"{what} of {fact.attempt_id} was acknowledged, and is not in the store")
            )

    def afterlife(self, order: Order) -> float:
        """Seconds that an attempt ran after it was revoked; unknown where the time of day has jumped."""
        query = "SELECT ended_at FROM attempt WHERE id = ? AND outcome = 'revoked'"
        found = [] if self.clock.has_jumped else self.rows(query, order.attempt_id)
        return (self.clock.peek() - from_micros(found[0]["ended_at"])).total_seconds() if found else 0.0

    @staticmethod
    def name_of(order: Order) -> str:
        """An order in the story."""
        run_id = order.run.run_id
        if order.callback is not None:
            what = f"{order.callback.event} of {order.task_id or 'the run'}"
            return f"{order.run.dag_id}/{run_id}/ {what} ({order.attempt_id[-6:]})"
        return f"{order.run.dag_id}/{run_id}/{order.task_id} try {order.try_number} ({order.attempt_id[-6:]})"
