"""Between scheduler and executors: orders go out, sessions come and go, facts and questions come in."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from tradewind.errors import NotFound, StoreError
from tradewind.model.facts import AttemptFinished, AttemptLost, Fact
from tradewind.model.order import VersionBundle
from tradewind.model.outcomes import Failed
from tradewind.ports.clock import Clock
from tradewind.ports.executor import Executor, HasFileno, Session
from tradewind.scheduler.answers import Answers
from tradewind.scheduler.claims import Claims
from tradewind.scheduler.loop import Loop
from tradewind.scheduler.memory import Memory, OpenAttempt
from tradewind.scheduler.orders import Orders
from tradewind.scheduler.rows import log_path
from tradewind.store.dags import DagRepository

log = logging.getLogger("tradewind.scheduler")

RETRY_AFTER = 0.5  #: seconds until what the store refused for the moment is tried again
BUNDLES_AT_HAND = 64
PREPARED_FOR = 10.0  #: seconds within which no more versions are made ready ahead of time than can run


class Inbox(Protocol):
    """The scheduler's side that facts come in by."""

    def __call__(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None, /) -> None: ...


class Dispatch:
    """Serves the executors.

    :param memory: the scheduler's memory, as it is at that moment.
    :param take_fact: what a fact is handed to.
    """

    def __init__(
        self,
        executors: Mapping[str, Executor],
        orders: Orders,
        answers: Answers,
        dags: DagRepository,
        loop: Loop,
        clock: Clock,
        memory: Callable[[], Memory],
        take_fact: Inbox,
        claims: Claims,
    ) -> None:
        self._executors = executors
        self._orders = orders
        self.answers = answers
        self._dags = dags
        self.loop = loop
        self._clock = clock
        self._memory = memory
        self.take_fact = take_fact
        self._claims = claims
        self._bundles: dict[str, VersionBundle] = {}
        self.known: dict[str, Session] = {}  #: worker sessions that have begun, by id
        self._prepared: deque[float] = deque()

    def start(self, wake: Callable[[], None]) -> None:
        """Start the executors.

        :param wake: called when there may be room for more attempts.
        """
        for name, executor in self._executors.items():
            executor.start(_Host(self, name, wake))
        self._hand_over_again("at_least_once")  # the others say what they hold, and get what they do not

    def stop(self) -> None:
        """Let the executors go; attempts that run are not touched."""
        for executor in self._executors.values():
            executor.stop()

    def cancel(self, attempt: OpenAttempt, reason: str) -> None:
        """End an attempt."""
        self._executors[attempt.executor].cancel(attempt.id, reason)

    def submit(self, attempt: OpenAttempt) -> None:
        """Hand an attempt over, where it is still wanted. What its order needs is read from the store."""
        executor = self._executors[attempt.executor]
        if attempt.id not in self._memory().attempts:
            return
        if executor.delivery == "once" and attempt.session != executor.session:
            return  # it was meant for another agent: it is lost as soon as this one has said what it holds
        try:
            executor.submit(self._orders.write(self._memory(), attempt))
        except StoreError as error:
            if error.transient:
                log.warning("An order could not be written, it is tried again: %s", error)
                self.loop.later(RETRY_AFTER, partial(self._submit_again, attempt))
            else:
                self._fail(attempt, str(error))
        except NotFound as error:
            self._fail(attempt, str(error))

    def catch_up(self, cancels: Sequence[tuple[OpenAttempt, str]] = ()) -> None:
        """Do what may have been left undone: the memory was read back, and nobody can tell what went out before that.

        Orders that nobody has begun go out again: an agent drops what it has, and workers of a queue have claims.

        :param cancels: (attempt, reason) of a turn of which it is not known whether it was committed.
        """
        for attempt, reason in cancels:
            if (kept := self._memory().attempts.get(attempt.id)) is None or kept.is_to_end:
                self.cancel(attempt, reason)
        self._hand_over_again("once", "at_least_once")

    def _hand_over_again(self, *deliveries: str) -> None:
        for attempt in list(self._memory().attempts.values()):
            delivery = self._executors[attempt.executor].delivery
            begun = attempt.started if delivery == "once" else self._claims.holder(attempt)
            if delivery in deliveries and not begun:
                self.submit(attempt)
        self.flush()

    def prepare(self, executor: str, version_id: str) -> None:
        """Orders of the version are about to come; that they would come sooner is not worth an error."""
        served_by = self._executors.get(executor)
        now = self._clock.monotonic()
        while self._prepared and self._prepared[0] < now - PREPARED_FOR:
            self._prepared.popleft()
        if served_by is None or len(self._prepared) >= served_by.capacity:
            return  # where many runs are due at once, not all of them can be first
        self._prepared.append(now)
        try:
            served_by.prepare(version_id, 1)
            served_by.flush()
        except (StoreError, NotFound) as error:
            log.warning("DAG version %s is not made ready ahead of time: %s", version_id, error)

    def flush(self) -> None:
        """All orders of a turn are handed over."""
        for executor in self._executors.values():
            executor.flush()

    def bundle(self, version_id: str) -> VersionBundle:
        """The files of a version; the last few are kept at hand."""
        found = self._bundles.get(version_id)
        if found is None:
            if len(self._bundles) >= BUNDLES_AT_HAND:
                self._bundles.pop(next(iter(self._bundles)))
            found = self._bundles[version_id] = self._dags.bundle(version_id)
        return found

    def sessions(self) -> list[Session]:
        """The worker sessions that are there; of an executor that has one at a time, the one that is connected."""
        gone = [
            it.id
            for it in self.known.values()
            if self._executors[it.kind].delivery == "once" and self._executors[it.kind].session != it.id
        ]
        for session in gone:
            del self.known[session]
        return list(self.known.values())

    def session_started(self, executor: str, session: str, held: tuple[str, ...]) -> None:
        """A worker is there: hand over again what it should hold and does not, or call it lost; end what nobody wants of it.

        Where an executor has one session at a time, what others held is lost too.
        """
        once = self._executors[executor].delivery == "once"
        for attempt_id in held:
            kept = self._memory().attempts.get(attempt_id)
            if kept is None:
                self._executors[executor].cancel(attempt_id, "nobody waits for it any more")
            elif kept.is_to_end:
                self.cancel(kept, kept.run.reasons[kept.number])
        for attempt in self._attempts_of(executor):
            if self._claims.holder(attempt) != session:
                if once:
                    self._lose(attempt, "its agent is gone")
            elif attempt.id not in held and not once:
                self._lose(
                    attempt, "its worker no longer knows it"
                )  # no other may run what this one has claimed
            elif attempt.id not in held and not attempt.started:
                self.submit(attempt)
            elif attempt.id not in held:
                self._lose(attempt, "its agent no longer knows it")
        self._executors[executor].flush()

    def session_ended(self, executor: str, session: str, reason: str) -> None:
        """A worker is gone for good."""
        for attempt in self._attempts_of(executor):
            if self._claims.holder(attempt) == session:
                self._lose(attempt, reason)

    def _attempts_of(self, executor: str) -> list[OpenAttempt]:
        return [it for it in self._memory().attempts.values() if it.executor == executor]

    def _submit_again(self, attempt: OpenAttempt) -> None:
        self.submit(attempt)
        self._executors[attempt.executor].flush()

    def _lose(self, attempt: OpenAttempt, reason: str) -> None:
        if (
            attempt.started
        ):  # before the commit: said twice it stands there once, and after a crash it would be missing
            self._executors[attempt.executor].end_log(log_path(attempt.run, attempt.number), reason)
        fact = AttemptLost(attempt_id=attempt.id, at=self._clock.now(), reason=reason)
        self.take_fact(fact, attempt.session or "", None)

    def _fail(self, attempt: OpenAttempt, reason: str) -> None:
        """An attempt that cannot even be handed over."""
        outcome = Failed(reason, retry="never")
        fact = AttemptFinished(
            attempt_id=attempt.id, outcome=outcome, started_at=None, ended_at=self._clock.now()
        )
        self.take_fact(fact, attempt.session or "", None)


class _Host:
    """What one executor sees of the scheduler (see :class:`tradewind.ports.executor.ExecutorHost`)."""

    def __init__(self, dispatch: Dispatch, executor: str, wake: Callable[[], None]) -> None:
        self._dispatch = dispatch
        self._executor = executor
        self._wake = wake

    def watch(self, source: HasFileno, on_readable: Callable[[], None]) -> None:
        self._dispatch.loop.watch(source, on_readable)

    def unwatch(self, source: HasFileno) -> None:
        self._dispatch.loop.unwatch(source)

    def soon(self, call: Callable[[], None]) -> None:
        self._dispatch.loop.soon(call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._dispatch.loop.later(seconds, call)

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None = None) -> None:
        self._dispatch.take_fact(fact, session, acknowledge)

    def answer(self, attempt_id: str, operation: str, arguments: dict[str, Any]) -> Any:
        return self._dispatch.answers.answer(attempt_id, operation, arguments)

    def bundle(self, version_id: str) -> VersionBundle:
        return self._dispatch.bundle(version_id)

    def session_started(
        self, session: str, held: tuple[str, ...], *, host: str, pid: int, capacity: int
    ) -> None:
        self._dispatch.known[session] = Session(session, self._executor, host, pid, capacity)
        self._dispatch.session_started(self._executor, session, held)
        self._wake()

    def session_ended(self, session: str, reason: str) -> None:
        self._dispatch.known.pop(session, None)
        self._dispatch.session_ended(self._executor, session, reason)
        self._wake()
