"""DAG versions on this machine: the attempts that wait for a process, and the processes that wait for an attempt."""

from __future__ import annotations

import logging
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tradewind.agent.attempts import Attempt
from tradewind.agent.family import Family
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.loop import Loop
from tradewind.agent.options import AgentOptions
from tradewind.agent.protocol import Message
from tradewind.agent.questions import ImportQuestions
from tradewind.agent.spares import Spares
from tradewind.agent.template_process import Load
from tradewind.agent.templates import Base, Template
from tradewind.agent.unpack import keep, link_rest, prune, unpack
from tradewind.agent.workers import Supply, Worker
from tradewind.errors import TradewindError
from tradewind.model.order import VersionBundle
from tradewind.ports.clock import Clock

log = logging.getLogger(__name__)

_LOSSES = 3  #: supplies in a row that may be lost before any attempt was done
_QUIET = 10.0  #: seconds without an order after which processes do not wait any longer
_TIDY = 5.0  #: seconds between looks for templates that may go
_DAY = 86400.0  #: seconds
_PRUNE_AFTER = 30 * _DAY  #: seconds without use after which unpacked files are removed


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What versions share."""

    loop: Loop
    options: AgentOptions
    clock: Clock
    family: Family
    lifeline: Lifeline
    base: Base
    questions: ImportQuestions
    workers: dict[int, Worker]
    free_slots: Callable[[], int]


class Version:
    """One DAG version: a customer of its supply of workers, and the queue of its attempts."""

    def __init__(self, around: Surroundings, bundle: VersionBundle) -> None:
        self._around = around
        self._bundled = tuple(path for path, _ in bundle.files)
        folder = unpack(bundle, around.options.cache_folder)
        self._load = Load(
            key=0,
            dag_id=bundle.dag_id,
            folder=folder,
            file=bundle.file,
            original_folder=bundle.folder,
            check=around.options.isolation == "auto",
        )
        self._queue: deque[Attempt] = deque()
        self._waiting: deque[Worker] = deque()
        self._working: set[Worker] = set()
        self._supply: Supply | None = None
        self._not_forked = _why_spares(around.options)
        self._losses = 0
        self._active = False
        self.dag_id = bundle.dag_id
        self.version_id = bundle.version_id
        self.replaced = False
        self.last_used = around.clock.monotonic()

    @property
    def in_use(self) -> bool:
        return bool(self._queue or self._working)

    @property
    def has_supply(self) -> bool:
        return self._supply is not None

    def launch(self, attempt: Attempt) -> None:
        attempt.queue = self
        self._active = True
        self._queue.append(attempt)
        self._serve()

    def withdraw(self, attempt: Attempt) -> None:
        if attempt in self._queue:
            self._queue.remove(attempt)

    def prepare(self, attempts: int) -> None:
        """Have processes wait, as orders are about to come; with 0, none are."""
        self._active = attempts > 0
        if self._active:
            self._serve()
        elif not self.in_use:
            self._dismiss()

    def memory(self) -> int:
        return self._supply.memory() if self._supply is not None else 0

    def drain(self) -> None:
        if self._supply is not None:
            self._supply.drain()

    def keep(self) -> None:
        """Have the unpacked files stay where they are."""
        keep(self._load.folder)

    def retire(self) -> None:
        """Let the supply go; it is made anew when it is needed."""
        self._active = False
        self._dismiss()
        supply, self._supply = self._supply, None
        if supply is not None:
            supply.close()

    def tidy(self) -> None:
        """Nothing waits for orders that do not come."""
        if not self.in_use and self._around.clock.monotonic() - self.last_used > _QUIET:
            self._active = False
            self._dismiss()

    def done_with(self, attempt: Attempt, worker: Worker | None) -> None:
        self.last_used = self._around.clock.monotonic()
        if worker is None:
            self._losses = 0
            return
        self._working.discard(worker)
        self._around.workers.pop(worker.pid, None)
        if self.in_use:
            return
        if self.replaced:
            self.retire()
        elif not self._active:
            self._dismiss()

    def on_ready(self, sock: socket.socket, pid: int) -> None:
        worker = Worker(self._around.loop, sock, pid, self)
        self._around.workers[pid] = worker
        self._waiting.append(worker)
        self._serve()

    def on_exited(self, pid: int, status: int) -> None:
        if worker := self._around.workers.get(pid):
            worker.exited(status)

    def on_failure(self, reason: str, output: bytes) -> None:
        log.warning("DAG %s, version %s: %s", self.dag_id, self.version_id, reason)
        self._supply = None
        self._dismiss()
        queue, self._queue = self._queue, deque()
        for attempt in queue:
            attempt.give_up(reason, output)

    def on_lost(self, reason: str) -> None:
        self._losses += 1
        if self._losses >= _LOSSES:
            self.on_failure(f"{reason} ({self._losses} times in a row)", b"")
            return
        log.warning("DAG %s, version %s: %s; it is made anew", self.dag_id, self.version_id, reason)
        self._supply = None
        self._serve()

    def on_unforkable(self, reason: str) -> None:
        log.warning(
            "DAG %s, version %s: its processes are not forked: %s", self.dag_id, self.version_id, reason
        )
        self._not_forked = reason
        self._supply = None
        self._serve()

    def on_message(self, worker: Worker, message: Message) -> None:
        log.warning("A process without an order sent a %s; passed over", type(message).__name__)

    def on_gone(self, worker: Worker) -> None:
        """A process that waited is gone."""
        self._around.workers.pop(worker.pid, None)
        if worker in self._waiting:
            self._waiting.remove(worker)
            self._serve()

    def _serve(self) -> None:
        self.last_used = self._around.clock.monotonic()
        while self._queue and self._waiting:
            worker = self._waiting.popleft()
            self._working.add(worker)
            self._queue.popleft().begin(worker)
        ahead = self._ahead()
        missing = len(self._queue) + ahead - len(self._waiting)
        # A fork makes the template copy what it touches next, so several are had at once where there is time for that.
        if missing > (0 if self._queue or self._not_forked else ahead // 4):
            supply = self._supply or self._make_supply()
            # Making it may have failed already, in which case there is another one by now, or none.
            if supply is not None and self._supply is supply and missing > supply.coming:
                supply.want(missing - supply.coming)

    def _ahead(self) -> int:
        if not self._active:
            return 0
        # A waiting fork costs a megabyte; a waiting interpreter costs all that its imports take.
        return 1 if self._not_forked else max(0, self._around.free_slots()) + 1

    def _make_supply(self) -> Supply | None:
        around = self._around
        link_rest(self._load.folder, self._load.original_folder, self._bundled)
        try:
            if self._not_forked:
                self._supply = Spares(
                    around.loop,
                    around.options,
                    around.family,
                    around.lifeline,
                    self._load,
                    self,
                    around.questions,
                    self._not_forked,
                )
            else:
                self._supply = Template(
                    around.loop, around.options, around.base, self._load, self, around.questions
                )
        except OSError as error:
            self.on_failure(f"the system refused to start a process: {error}", b"")
        return self._supply

    def _dismiss(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for worker in waiting:
            self._around.workers.pop(worker.pid, None)
            worker.dismiss()


class Versions:
    """All versions that a scheduler has sent the files of."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._versions: dict[str, Version] = {}
        self._refused: dict[str, str] = {}
        self._tidying = False
        around.loop.soon(self._prune)

    def add(self, bundle: VersionBundle) -> None:
        """Unpack a version, unless it is here."""
        if bundle.version_id in self._versions:
            return
        try:
            fresh = Version(self._around, bundle)
        except (TradewindError, OSError) as error:
            self._refused[bundle.version_id] = f"the files of its DAG version cannot be unpacked: {error}"
            return
        self._refused.pop(bundle.version_id, None)
        for version in self._versions.values():
            if version.dag_id == bundle.dag_id:
                version.replaced = True
                if not version.in_use:
                    version.retire()
        self._versions[bundle.version_id] = fresh

    def launch(self, attempt: Attempt) -> None:
        """Let an attempt run, or say why it cannot."""
        version_id = attempt.order.version_id
        version = self.get(version_id)
        if version is not None:
            version.launch(attempt)
        elif reason := self._refused.get(version_id):
            attempt.give_up(reason)
        else:
            attempt.lose("the files of its DAG version did not come before it")

    def get(self, version_id: str) -> Version | None:
        version = self._versions.get(version_id)
        if version is not None and not self._tidying:
            self._tidying = True
            self._around.loop.later(min(_TIDY, self._around.options.template_idle), self._tidy)
        return version

    def drain(self) -> None:
        for version in self._versions.values():
            version.drain()

    def close(self) -> None:
        for version in self._versions.values():
            version.retire()

    def _prune(self) -> None:
        """Once a day: keep what is known here, and remove what no agent has kept for a month."""
        for version in self._versions.values():
            version.keep()
        prune(self._around.options.cache_folder, self._around.clock.now().timestamp() - _PRUNE_AFTER)
        self._around.loop.later(_DAY, self._prune)

    def _tidy(self) -> None:
        """Drop what was not used for long, then what was used longest ago until the rest fits the limit."""
        options = self._around.options
        now = self._around.clock.monotonic()
        kept = []
        for version in self._versions.values():
            version.tidy()
            if version.has_supply and not version.in_use and now - version.last_used > options.template_idle:
                version.retire()
            elif version.has_supply:
                kept.append(version)
        memory = sum(version.memory() for version in kept) if len(kept) > 1 else 0
        for version in sorted(kept, key=lambda version: version.last_used):
            if memory > options.template_memory and not version.in_use:
                memory -= version.memory()
                version.retire()
        self._tidying = any(version.has_supply for version in self._versions.values())
        if self._tidying:
            self._around.loop.later(min(_TIDY, options.template_idle), self._tidy)


def _why_spares(options: AgentOptions) -> str | None:
    if options.isolation == "spare":
        return "isolation is set to 'spare'"
    if options.isolation == "auto" and not sys.platform.startswith("linux"):
        return f"forking without an exec is not safe on {sys.platform}"
    return None
