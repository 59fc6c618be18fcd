"""The scheduler's end of the simulated executors, one object for each life of the scheduler; agents outlive it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind.model.facts import Fact
from tradewind.model.order import Order
from tradewind.ports.executor import Executor, ExecutorHost

from .agent import Line, SimAgent

if TYPE_CHECKING:
    from .world import World


class SimExecutor(Executor):
    """What both kinds have in common: lines to agents, reports in, acknowledgements out."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.host: ExecutorHost | None = None
        self.lines: list[Line] = []
        self._committed: dict[int, dict[int, bool]] = {}  # by line: reports by number, as they came

    def start(self, host: ExecutorHost) -> None:
        self.host = host
        for agent in self.world.agents_of(self.name):
            self.connect(agent)

    def connect(self, agent: SimAgent) -> None:
        """Reach an agent."""
        if self.host is None or not agent.alive:
            return
        if agent.line is not None:
            agent.line.is_open = False
        agent.welcome(Line(agent, self))

    def welcomed(self, line: Line, held: tuple[str, ...]) -> None:
        """An agent has answered."""
        if self.host is None or line.agent.line is not line:
            return
        self.lines.append(line)
        self._committed[id(line)] = {}
        agent = line.agent
        self.world.story.note(self.name, "connected to %s, which has %d attempts", agent.name, len(held))
        self.host.session_started(agent.session, held, host="here", pid=1, capacity=agent.capacity)

    def line_lost(self, line: Line) -> None:
        """A connection is gone."""
        line.is_open = False
        if line in self.lines:
            self.lines.remove(line)
            del self._committed[id(line)]

    def deliver(self, line: Line, n: int, fact: Fact) -> None:
        """A report has come."""
        if self.host is None or line not in self.lines:
            return
        self.world.hazard("receive")
        committed = self._committed[id(line)]
        committed.setdefault(n, False)

        def acknowledge() -> None:
            self.world.promised(fact, line.agent.session)
            if n in committed:
                committed[n] = True

        self.host.report(fact, line.agent.session, acknowledge)
        self.world.hazard("received")

    def flush(self) -> None:
        for line in self.lines:
            committed, last = self._committed[id(line)], 0
            while committed and committed[first := next(iter(committed))]:
                del committed[first]
                last = max(last, first)
            if last:
                self._down(line, lambda agent, last=last: agent.acknowledged(last))

    def stop(self) -> None:
        for line in list(self.lines):
            self.line_lost(line)
        self.host = None

    def _down(self, line: Line, message: object) -> None:
        line.down = max(line.down, self.world.clock.elapsed + self.world.latency())
        # what is on its way arrives, though the scheduler that sent it may be gone
        self.world.at(line.down, lambda: line.agent.alive and message(line.agent))  # type: ignore[operator]


class AgentExecutor(SimExecutor):
    """One agent on this machine: an order arrives once, at a session that is known beforehand."""

    name = "local"
    delivery = "once"

    @property
    def capacity(self) -> int:
        return self.lines[0].agent.capacity if self.lines else 0

    @property
    def session(self) -> str | None:
        return self.lines[0].agent.session if self.lines else None

    def submit(self, order: Order) -> None:
        self.world.hazard("send")
        self.world.check_committed(order)
        if self.lines:
            self._down(self.lines[0], lambda agent: agent.launch(order))
        self.world.hazard("sent")

    def cancel(self, attempt_id: str, reason: str) -> None:
        self.world.hazard("send")
        if self.lines:
            self._down(self.lines[0], lambda agent: agent.cancel(attempt_id, reason))


class BrokerExecutor(SimExecutor):
    """A queue and several agents: an order is kept by the broker, and may arrive twice, at whoever is free."""

    name = "broker"
    delivery = "at_least_once"

    def start(self, host: ExecutorHost) -> None:
        super().start(host)
        for session in self.world.dead_sessions:
            host.session_ended(session, "its beats stopped")

    @property
    def capacity(self) -> int:
        return sum(agent.capacity for agent in self.world.agents_of(self.name))

    def submit(self, order: Order) -> None:
        self.world.hazard("send")
        self.world.check_committed(order)
        self._queue(order, self.world.latency())
        if self.world.stormy and self.world.dice.random() < 0.2:
            self._queue(order, self.world.dice.choice((0.0, 1.0, 100.0)))
        self.world.hazard("sent")

    def cancel(self, attempt_id: str, reason: str) -> None:
        self.world.hazard("send")
        self.world.after(self.world.latency(), lambda: self._cancelled(attempt_id, reason))

    def _cancelled(self, attempt_id: str, reason: str) -> None:
        for agent in self.world.agents_of(self.name):
            agent.cancel(attempt_id, reason)

    def _queue(self, order: Order, delay: float) -> None:
        """The message stays in the broker until somebody is free, whatever becomes of the scheduler."""

        def hand_out() -> None:
            free = [agent for agent in self.world.agents_of(self.name) if agent.busy < agent.capacity]
            if free:
                self.world.dice.choice(free).launch(order)
            else:
                self.world.after(5.0, hand_out)

        self.world.after(delay, hand_out)
