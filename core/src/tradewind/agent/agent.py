"""The agent: runs attempts on a machine for whichever scheduler is connected. It knows no database, nor user code."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable

from tradewind.agent.attempts import Attempts
from tradewind.agent.clock import SystemClock
from tradewind.agent.family import Family, become_subreaper
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.loop import Loop, Timer
from tradewind.agent.options import AgentOptions
from tradewind.agent.protocol import (
    PROTOCOL,
    Ack,
    Bundle,
    Cancel,
    EndLog,
    Hello,
    Launch,
    Message,
    Prepare,
    Reply,
    Welcome,
)
from tradewind.agent.questions import ImportQuestions
from tradewind.agent.reports import Reports
from tradewind.agent.templates import Base
from tradewind.agent.versions import Surroundings, Versions
from tradewind.agent.wire import Line, listen
from tradewind.agent.workers import Worker
from tradewind.model.facts import AttemptLost

log = logging.getLogger(__name__)

_LAST_REPORTS = 2.0  #: seconds that an agent which ends waits for its reports to be acknowledged
_LAST_CHILDREN = 5.0  #: seconds that it waits for its processes to be gone


class Agent:
    """One agent process."""

    def __init__(self, options: AgentOptions, listener: socket.socket) -> None:
        self._options = options
        self._listener = listener
        self._loop = Loop()
        self._lifeline = Lifeline.make()
        self._workers: dict[int, Worker] = {}
        self._family = Family(self._loop, options.kill_grace, self._adopt)
        self._clock = SystemClock()
        self._reports = Reports(self._loop)
        self._attempts = Attempts(self._loop, options, self._clock, self._reports)
        self._questions = ImportQuestions(self._loop)
        self._base = Base(self._loop, options, self._family, self._lifeline)
        self._versions = Versions(
            Surroundings(
                loop=self._loop,
                options=options,
                clock=self._clock,
                family=self._family,
                lifeline=self._lifeline,
                base=self._base,
                questions=self._questions,
                workers=self._workers,
                free_slots=lambda: options.capacity - self._attempts.under_way(),
            )
        )
        self._scheduler: Line | None = None
        self._strangers: set[Line] = set()
        self._alone: Timer | None = None
        self._stopping = False

    def run(self) -> None:
        """Serve until told to end, or until nobody needs the agent any more."""
        become_subreaper()
        self._loop.watch(self._listener, self._accept)
        self._loop.on_signal(signal.SIGTERM, self._stop)
        self._loop.on_signal(signal.SIGINT, self._stop)
        if self._options.isolation != "spare":
            self._base.start()
        self._scheduler_gone()
        self._loop.run()
        self._close()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        line: Line

        def on_message(message: Message) -> None:
            self._on_message(line, message)

        def on_end(reason: str) -> None:
            self._strangers.discard(line)
            if line is self._scheduler:
                log.info("The scheduler is gone: %s", reason)
                self._scheduler_gone()

        line = Line(self._loop, sock, on_message, on_end)
        self._strangers.add(line)

    def _on_message(self, line: Line, message: Message) -> None:
        if isinstance(message, Hello):
            self._welcome(line, message)
            return
        if line is not self._scheduler:
            log.warning("A %s came before a Hello; its sender is dropped", type(message).__name__)
            self._strangers.discard(line)
            line.close()
            return
        match message:
            case Launch():
                self._launch(message)
            case Ack():
                self._reports.acknowledge(message.n)
                self._end_if_done()
            case Bundle():
                self._versions.add(message.bundle)
            case Prepare():
                if not self._stopping and (version := self._versions.get(message.version_id)):
                    version.prepare(message.attempts)
            case EndLog():
                self._attempts.end_log(message.log_path, message.reason)
            case Cancel():
                if attempt := self._attempts.get(message.attempt_id):
                    attempt.cancel(message.reason)
            case Reply():
                if not message.attempt_id:
                    self._questions.reply(message)
                elif attempt := self._attempts.get(message.attempt_id):
                    attempt.reply(message)
            case _:
                log.warning("A %s came from the scheduler; passed over", type(message).__name__)

    def _welcome(self, line: Line, hello: Hello) -> None:
        """The newest scheduler is the one that counts: an older one may be dead without its socket knowing."""
        options = self._options
        line.send(
            Welcome(
                options.session,
                self._attempts.host,
                os.getpid(),
                options.capacity,
                self._attempts.held(),
                PROTOCOL,
            )
        )
        if hello.protocol != PROTOCOL:
            log.warning(
                "Scheduler %s speaks protocol %s, not %s", hello.scheduler_id, hello.protocol, PROTOCOL
            )
            self._strangers.discard(line)
            line.close()
            return
        if self._alone is not None:
            self._alone.cancel()
        self._strangers.discard(line)
        if self._scheduler is not None and self._scheduler is not line:
            self._scheduler.close()
        self._scheduler = line
        self._reports.attach(line)
        self._attempts.attach(line)
        self._questions.attach(line)

    def _launch(self, launch: Launch) -> None:
        attempt = self._attempts.new(launch.order)
        if attempt is None:
            return
        if self._stopping:
            attempt.lose("the agent is being stopped")
        else:
            self._versions.launch(attempt)

    def _scheduler_gone(self) -> None:
        self._scheduler = None
        self._reports.detach()
        self._attempts.detach()
        self._questions.detach()
        if self._options.linger is not None:
            self._alone = self._loop.later(self._options.linger, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._scheduler is not None or self._options.linger is None:
            return
        if self._attempts.all():
            self._alone = self._loop.later(self._options.linger, self._end_if_idle)
        else:
            log.info("No scheduler for %g s and nothing to run: the agent ends", self._options.linger)
            self._loop.stop()

    def _stop(self) -> None:
        """First asked: no new attempts, some time for those that run. Asked again: at once."""
        if self._stopping:
            self._cancel_all(at_once=True)
            self._loop.later(_LAST_REPORTS, self._loop.stop)
            return
        self._stopping = True
        log.info("The agent is being stopped; %d attempts are under way", self._attempts.under_way())
        for attempt in self._attempts.all():
            if attempt.worker is None:
                attempt.stop(self._stopped(attempt.order.attempt_id))
        self._loop.later(self._options.kill_grace, lambda: self._cancel_all(at_once=False))
        self._end_if_done()

    def _cancel_all(self, *, at_once: bool) -> None:
        for attempt in self._attempts.all():
            end = self._stopped(attempt.order.attempt_id)
            if at_once:
                attempt.kill(end)
            else:
                attempt.stop(end)
        self._end_if_done()

    def _stopped(self, attempt_id: str) -> AttemptLost:
        return AttemptLost(attempt_id=attempt_id, at=self._clock.now(), reason="the agent was stopped")

    def _end_if_done(self) -> None:
        if not self._stopping:
            return
        if self._attempts.all():
            self._loop.later(0.02, self._end_if_done)
        elif self._reports and self._scheduler is not None:
            self._loop.later(_LAST_REPORTS, self._loop.stop)  # an acknowledgement ends it earlier
        else:
            self._loop.stop()

    def _adopt(self, pid: int) -> Callable[[int], None] | None:
        """Whether a process that became a child of the agent is one of its own, whose template or base has died."""
        self._base.drain()
        self._versions.drain()
        if worker := self._workers.get(pid):
            return worker.exited
        if template := self._base.template(pid):
            return template.exited
        return None

    def _close(self) -> None:
        """Leave no process behind, and no socket."""
        path = self._options.socket_path
        self._listener.close()
        if os.path.exists(path):
            os.unlink(path)
        if self._scheduler is not None:
            self._scheduler.close()
        self._versions.close()
        self._base.close()
        deadline = time.monotonic() + _LAST_CHILDREN
        while time.monotonic() < deadline and self._family.kill_everything():
            self._family.reap()
            time.sleep(0.005)


def main(options: AgentOptions, listener: socket.socket | None = None) -> None:
    """Be an agent until it ends.

    :param listener: the listening socket, where whoever started the agent has made it already.
    """
    _set_up(options)
    Agent(options, listener or listen(options.socket_path)).run()


def _set_up(options: AgentOptions) -> None:
    if options.log_file is not None:
        handler: logging.Handler = logging.FileHandler(options.log_file, delay=True)
        logging.getLogger("tradewind.agent").setLevel(logging.INFO)
    else:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s %(name)s - %(message)s"))
    logger = logging.getLogger("tradewind.agent")
    logger.addHandler(handler)
    logger.propagate = False
    for name in [name for name in os.environ if name.startswith(options.drop_environment)]:
        del os.environ[name]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
