"""A simulated agent: takes orders, runs user code, and keeps every report until it is acknowledged.

It is a process of its own: it outlives the scheduler, and dies when the world says so, with all that it runs. An agent of
a broker claims an attempt in the store before user code begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewind.errors import StoreError
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted, Fact, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Succeeded

from .work import Execution, Script

if TYPE_CHECKING:
    from datetime import datetime

    from .executor import SimExecutor
    from .world import World


@dataclass(slots=True)
class Line:
    """A connection between an agent and an executor: messages arrive in order, until it is cut."""

    agent: SimAgent
    executor: SimExecutor
    is_open: bool = True
    down: float = 0.0  #: when the newest message to the agent arrives
    up: float = 0.0  #: likewise, to the executor


@dataclass(slots=True)
class Job:
    """An attempt that an agent has."""

    order: Order
    script: Script
    execution: Execution | None = None
    started_at: datetime | None = None
    over: bool = False
    goes_after: int | None = None  #: the report whose acknowledgement user code waits for


class SimAgent:
    """One agent, one session."""

    def __init__(self, world: World, executor: str, capacity: int, *, claims: bool) -> None:
        self.world = world
        self.executor = executor
        self.session = world.ids.new_id()
        self.capacity = capacity
        self.alive = True
        self.line: Line | None = None
        self._claims = claims
        self._jobs: dict[str, Job] = {}
        self._reports: dict[int, Fact] = {}
        self._n = 0
        self._taken: set[str] = set()
        self.name = f"{executor}/{self.session[-4:]}"

    # -- the line --------------------------------------------------------------------------------------------

    def held(self) -> tuple[str, ...]:
        """Attempts that are here, or whose reports are not acknowledged."""
        return tuple(sorted(set(self._jobs) | {fact.attempt_id for fact in self._reports.values()}))

    @property
    def busy(self) -> int:
        """How many attempts it has."""
        return len(self._jobs)

    def welcome(self, line: Line) -> None:
        """A scheduler is there; what it has not acknowledged is told again."""
        self.line = line
        self._up(line, lambda: line.executor.welcomed(line, self.held()))
        for n in list(self._reports):
            self._send(n)

    def acknowledged(self, last: int) -> None:
        """All reports up to that number are committed."""
        for n in [n for n in self._reports if n <= last]:
            del self._reports[n]
        for job in list(self._jobs.values()):
            if job.goes_after is not None and job.goes_after <= last and not job.over:
                job.goes_after = None
                self._go(job)

    def _report(self, fact: Fact) -> int:
        self._n += 1
        self._reports[self._n] = fact
        self._send(self._n)
        return self._n

    def _send(self, n: int) -> None:
        line, fact = self.line, self._reports[n]
        if line is None or not line.is_open:
            return
        self._up(line, lambda: line.executor.deliver(line, n, fact))
        if self.world.stormy and self.world.dice.random() < 0.1:
            later = line.up + self.world.dice.choice((0.1, 2.0, 60.0))
            self.world.at(later, lambda: line.is_open and line.executor.deliver(line, n, fact))

    def _up(self, line: Line, message: object) -> None:
        line.up = max(line.up, self.world.clock.elapsed + self.world.latency())
        self.world.at(line.up, lambda: line.is_open and message())  # type: ignore[operator]

    # -- attempts --------------------------------------------------------------------------------------------

    def launch(self, order: Order) -> None:
        """Take an order; one that is known is passed over."""
        if not self.alive or order.attempt_id in self._taken:
            return
        if self._claims:
            try:
                if not self.world.claim(order.attempt_id, self.session):
                    self.world.story.note(self.name, "may not run %s", self.world.name_of(order))
                    return
            except StoreError:
                self.world.after(1.0, lambda: self.launch(order))
                return
        self._taken.add(order.attempt_id)
        job = Job(order, self.world.work.script(order, self.world.files.specs[order.version_id]))
        self._jobs[order.attempt_id] = job
        self.world.after(job.script.start_delay, lambda: self._begin(job))

    def cancel(self, attempt_id: str, reason: str) -> None:
        """End an attempt; one that is not here is passed over."""
        job = self._jobs.get(attempt_id)
        if job is not None and not job.over:
            grace = self.world.dice.choice((0.0, 0.0, 3.0))
            self.world.after(grace, lambda: self._killed(job, reason))

    def die(self) -> None:
        """The process is gone, and so are those of its attempts."""
        self.alive = False
        if self.line is not None:
            self.line.is_open = False
            self.line.executor.line_lost(self.line)
        for job in self._jobs.values():
            job.over = True
            if job.execution is not None:
                job.execution.over = True
        self._jobs.clear()
        self._reports.clear()

    def _begin(self, job: Job) -> None:
        if job.over:
            return
        job.started_at = self.world.clock.now()
        n = self._report(AttemptStarted(attempt_id=job.order.attempt_id, at=job.started_at))
        if job.order.at_most_once:
            job.goes_after = n
        else:
            self._go(job)

    def _go(self, job: Job) -> None:
        job.execution = self.world.work.begin(job.order, self.session)
        self.world.story.note(self.name, "%s begins", self.world.name_of(job.order))
        self.world.after(job.script.duration, lambda: self._ended(job))

    def _ended(self, job: Job) -> None:
        if job.over or job.execution is None:
            return
        if job.script.dies:
            self._over(job)
            why = "its process is gone"
            lost = AttemptLost(attempt_id=job.order.attempt_id, at=self.world.clock.now(), reason=why)
            self._report(lost)
        else:
            job.execution.outcome = job.script.outcome
            job.execution.ran_on = self.world.afterlife(job.order)
            self._finish(job, job.script.outcome, job.script.xcoms)

    def _killed(self, job: Job, reason: str) -> None:
        if not job.over:
            self.world.story.note(self.name, "ends %s: %s", self.world.name_of(job.order), reason)
            self._finish(job, Failed(reason, retry="never"))

    def _finish(self, job: Job, outcome: Outcome, xcoms: tuple[XCom, ...] = ()) -> None:
        self._over(job)
        self.world.story.note(self.name, "%s ended: %s", self.world.name_of(job.order), outcome)
        fact = AttemptFinished(
            attempt_id=job.order.attempt_id,
            outcome=outcome,
            started_at=job.started_at,
            ended_at=self.world.clock.now(),
            xcoms=xcoms if isinstance(outcome, Succeeded) else (),
        )
        self._report(fact)

    def _over(self, job: Job) -> None:
        job.over = True
        if job.execution is not None:
            job.execution.over = True
        self._jobs.pop(job.order.attempt_id, None)
