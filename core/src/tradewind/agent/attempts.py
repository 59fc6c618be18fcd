"""The attempts that an agent has: from the order to the end of their processes."""

from __future__ import annotations

import logging
import signal
import socket
from dataclasses import replace
from typing import Protocol

from tradewind.agent.attempt_process import GO_AHEAD
from tradewind.agent.deaths import describe, kills_for_memory
from tradewind.agent.family import LEFT_NOTHING
from tradewind.agent.logs import AttemptLog, ending
from tradewind.agent.loop import Loop, Timer
from tradewind.agent.options import AgentOptions
from tradewind.agent.protocol import Ask, Done, Launch, Message, Pushed, Reply, Started, outcome_of
from tradewind.agent.questions import Asker
from tradewind.agent.reports import Reports
from tradewind.agent.workers import Worker
from tradewind.errors import TaskTimeout, class_names
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted, XCom, XComPushed
from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome
from tradewind.ports.clock import Clock

log = logging.getLogger(__name__)

_STARTS = 3  #: processes that may die before they took the order
_LOG_LOOK = 0.25  #: seconds between looks at the size of logs
_LOG_LOOK_FAST = 0.05  #: the same, while one grows fast


class Attempts:
    """All attempts that are queued, run, or have a process that is not gone yet."""

    def __init__(self, loop: Loop, options: AgentOptions, clock: Clock, reports: Reports) -> None:
        self.loop = loop
        self.options = options
        self.clock = clock
        self.reports = reports
        self.host = socket.gethostname()
        self.memory_kills = kills_for_memory()
        self.asker: Asker | None = None
        self._attempts: dict[str, Attempt] = {}
        self._looking = False

    def new(self, order: Order) -> Attempt | None:
        """The attempt for an order; ``None`` where it is here already, or reported."""
        if order.attempt_id in self._attempts or self.reports.concern(order.attempt_id):
            return None
        attempt = Attempt(self, order)
        self._attempts[order.attempt_id] = attempt
        if not self._looking:
            self._looking = True
            self.loop.later(_LOG_LOOK, self._look_at_logs)
        return attempt

    def get(self, attempt_id: str) -> Attempt | None:
        return self._attempts.get(attempt_id)

    def forget(self, attempt: Attempt) -> None:
        self._attempts.pop(attempt.order.attempt_id, None)

    def all(self) -> list[Attempt]:
        return list(self._attempts.values())

    def held(self) -> tuple[str, ...]:
        """Attempts that are here, or reported and not acknowledged."""
        running = {attempt_id for attempt_id, attempt in self._attempts.items() if not attempt.reported}
        return tuple(sorted(running | self.reports.attempts()))

    def under_way(self) -> int:
        """Attempts that hold a slot."""
        return sum(
            not attempt.reported and attempt.order.kind == "task" for attempt in self._attempts.values()
        )

    def end_log(self, log_path: str, reason: str) -> None:
        """Write the last line of the log of an attempt that an earlier agent had."""
        AttemptLog(self.options.log_folder, log_path, self.options.max_log_bytes).end(
            self.clock.now(), _lost(reason)
        )

    def attach(self, asker: Asker) -> None:
        """A scheduler is there: it gets the questions that none has answered."""
        self.asker = asker
        for attempt in self._attempts.values():
            attempt.ask_again()

    def detach(self) -> None:
        self.asker = None

    def _look_at_logs(self) -> None:
        self._looking = bool(self._attempts)
        if self._looking:
            now = self.clock.now()
            fast = [
                attempt.log.cut_back(now) for attempt in self._attempts.values() if attempt.worker is not None
            ]
            self.loop.later(_LOG_LOOK_FAST if any(fast) else _LOG_LOOK, self._look_at_logs)


class Queue(Protocol):
    """Where an attempt waits for a process: its version."""

    def launch(self, attempt: Attempt) -> None: ...

    def withdraw(self, attempt: Attempt) -> None: ...

    def done_with(self, attempt: Attempt, worker: Worker | None) -> None:
        """The attempt's slot (``worker`` is ``None``), or its process, is free."""
        ...


class Attempt:
    """One attempt.

    :param reported: whether its end has been reported; its process may still be about to leave.
    """

    def __init__(self, attempts: Attempts, order: Order) -> None:
        self._all = attempts
        self.order = order
        self.log = AttemptLog(attempts.options.log_folder, order.log_path, attempts.options.max_log_bytes)
        self.worker: Worker | None = None
        self.queue: Queue | None = None
        self.reported = False
        self._started: Started | None = None
        self._starts = 0
        self._stopped_by: Outcome | AttemptLost | None = None
        self._last_words = ""
        self._last_line = ""
        self._questions: dict[int, Ask] = {}
        self._timers: list[Timer] = []

    def begin(self, worker: Worker) -> None:
        """Hand the order to a process that waits."""
        self._starts += 1
        self.worker = worker
        worker.owner = self
        worker.send(Launch(self.order))
        if (timeout := self.order.timeout) is not None:
            margin = self._all.options.timeout_margin
            limit = "execution_timeout" if self.order.kind == "task" else "the time limit of callbacks"
            outcome = Failed(f"{limit} of {timeout:g} s exceeded", class_names(TaskTimeout))
            self._later(timeout + margin, lambda: self.stop(outcome))

    def stop(self, outcome: Outcome | AttemptLost, last_words: str = "") -> None:
        """End the attempt's process group.

        :param outcome: what becomes of the attempt, whatever it still says.
        :param last_words: for its log, where they differ from the outcome.
        """
        if self.reported or self._stopped_by is not None:
            return
        self._stopped_by = outcome
        self._last_words = last_words
        if self.worker is None:
            assert self.queue is not None
            self.queue.withdraw(self)
            self._finish(outcome)
            self._leave()
            return
        self.worker.signal(signal.SIGTERM)
        self._later(self._all.options.kill_grace, self._kill)

    def cancel(self, reason: str) -> None:
        """End it because somebody wants it so; ``reason`` says who and why."""
        self.stop(Failed(reason, retry="never"), f"cancelled: {reason}")

    def kill(self, outcome: Outcome | AttemptLost) -> None:
        """End it at once."""
        self.stop(outcome)
        self._kill()

    def give_up(self, reason: str, output: bytes = b"") -> None:
        """There will be no process for it; ``output`` goes into the log."""
        if output:
            self.log.write(output if output.endswith(b"\n") else output + b"\n")
        self._finish(Failed(reason))
        self._leave()

    def lose(self, reason: str) -> None:
        """It never began, and somebody else may do better."""
        self._finish(AttemptLost(attempt_id=self.order.attempt_id, at=self._all.clock.now(), reason=reason))
        self._leave()

    def reply(self, reply: Reply) -> None:
        """Pass an answer on to the process."""
        if self._questions.pop(reply.id, None) and self.worker is not None:
            self.worker.send(reply)

    def ask_again(self) -> None:
        if self._all.asker is not None and self._questions:
            self._all.asker.send(*self._questions.values())

    def on_message(self, worker: Worker, message: Message) -> None:
        match message:
            case Started():
                self._on_started(message)
            case Pushed():
                self._all.reports.add(XComPushed(attempt_id=self.order.attempt_id, xcom=message.xcom))
            case Ask():
                question = Ask(message.id, message.operation, message.arguments, self.order.attempt_id)
                self._questions[message.id] = question
                if self._all.asker is not None:
                    self._all.asker.send(question)
            case Done():
                self._on_done(message)
            case _:
                log.warning(
                    "Attempt %s sent a %s; passed over", self.order.attempt_id, type(message).__name__
                )

    def on_gone(self, worker: Worker) -> None:
        self.worker = None
        assert self.queue is not None
        self.queue.done_with(self, worker)
        if not self.reported:
            if self._started is None and self._stopped_by is None and self._starts < _STARTS:
                self._cancel_timers()
                self.queue.launch(self)
                return
            self._finish(self._stopped_by or Failed(self._why_it_died(worker)))
        self._leave(log_is_complete=worker.status == LEFT_NOTHING << 8)

    def _on_started(self, started: Started) -> None:
        self._started = started
        fact = AttemptStarted(
            attempt_id=self.order.attempt_id, at=started.at, host=self._all.host, pid=started.pid
        )
        self._all.reports.add(fact, self._go_ahead if self.order.at_most_once else None)

    def _go_ahead(self) -> None:
        if self.worker is not None:
            self.worker.send(Reply(GO_AHEAD))

    def _on_done(self, done: Done) -> None:
        if self.reported or self._stopped_by is not None:
            return
        self._finish(outcome_of(done.outcome_kind, done.outcome), done)
        self._cancel_timers()
        # What exit functions still do holds no slot, but must come to an end.
        grace = self._all.options.kill_grace
        self._later(grace, lambda: self.worker.signal(signal.SIGTERM) if self.worker else None)
        self._later(2 * grace, self._kill)

    def _finish(self, end: Outcome | AttemptLost, done: Done | None = None) -> None:
        """Report the end and free the slot."""
        now = self._all.clock.now()
        self._last_line = self._describe(end)
        if isinstance(end, AttemptLost | Failed):
            # A success is reported first and its log looked at later; whoever sees a failure looks at the log at once.
            self.log.end(now, self._last_line)
            if self.log.lost and isinstance(end, Failed):
                end = replace(end, reason=f"{end.reason} (its log is lost: {self.log.lost})")
        if isinstance(end, AttemptLost):
            self._all.reports.add(end)
        else:
            self._all.reports.add(self._finished(end, done))
        self.reported = True
        self._questions.clear()
        if self.queue is not None:
            self.queue.done_with(self, None)

    def _finished(self, outcome: Outcome, done: Done | None) -> AttemptFinished:
        started_at = self._started.at if self._started is not None else None
        xcoms: tuple[XCom, ...] = done.xcoms if done is not None else ()
        return AttemptFinished(
            attempt_id=self.order.attempt_id,
            outcome=outcome,
            started_at=started_at,
            ended_at=done.ended_at if done is not None else self._all.clock.now(),
            xcoms=xcoms,
            host=self._all.host,
            pid=self._started.pid if self._started is not None else 0,
        )

    def _describe(self, end: Outcome | AttemptLost) -> str:
        if self._last_words:
            return f"Attempt ended: {self._last_words}"
        return _lost(end.reason) if isinstance(end, AttemptLost) else ending(end)

    def _leave(self, *, log_is_complete: bool = False) -> None:
        """The process is gone: the log gets its last line, unless it has it."""
        self._cancel_timers()
        if not log_is_complete:
            self.log.end(self._all.clock.now(), self._last_line)
        if self.log.lost:
            log.warning(
                "The log of attempt %s (%s) is lost: %s",
                self.order.attempt_id,
                self.order.log_path,
                self.log.lost,
            )
        self._all.forget(self)

    def _why_it_died(self, worker: Worker) -> str:
        if worker.status is None:
            return "its process is gone, and so is the one that could say how it ended"
        kills = kills_for_memory()
        out_of_memory, self._all.memory_kills = kills > self._all.memory_kills, kills
        how = describe(worker.status, out_of_memory)
        if self._started is None:
            return f"{_STARTS} processes died before they took the order; the last one: {how}"
        return how

    def _kill(self) -> None:
        if self.worker is not None:
            self.worker.signal(signal.SIGKILL)

    def _later(self, seconds: float, call: object) -> None:
        self._timers.append(self._all.loop.later(seconds, call))  # type: ignore[arg-type]

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def _lost(reason: str) -> str:
    return f"Attempt ended: lost: {reason}"
