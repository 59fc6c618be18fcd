"""``tradewind up``: scheduler, agent and importer, in one command and one terminal."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.app.housekeeping import DAY, housekeeping_main
from tradewind.app.presence import scheduler_beats
from tradewind.app.supervisor import DRAIN, PAUSES, Demand, Member, Supervisor, forked
from tradewind.app.triggerers import demanded, triggerer_main

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.scheduler.scheduler import Scheduler
    from tradewind.scheduler.triggers import TriggererAccess

log = logging.getLogger("tradewind")

HOUSEKEEPING_AFTER = 300.0  #: seconds from the start to the first time that what is old is forgotten
#: what an agent needs: imported before it is forked, and nothing else, since every attempt's fork pays for what is there
FOR_THE_AGENT = ("tradewind.agent.agent", "tradewind.runner.runner", "jinja2", "pendulum")
#: imported once, in the supervisor, and shared by all that are forked from it later
SHARED = (
    "sqlalchemy",
    "tradewind.store.engine",
    "tradewind.store.statements",
    "tradewind.scheduler.scheduler",
    "tradewind.builtin.local_executor",
    "tradewind.importing.processor",
    "tradewind.app.importing",
    "tradewind.triggerer.triggerer",
    "tradewind.serialization.specs",
    "croniter",
    "cryptography.fernet",
)


def up(system: System, *, pauses: tuple[float, ...] = PAUSES) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code.

    :param pauses: seconds before a process that died is started for the first, second ... time again.
    """
    _talk()
    settings = system.settings
    agents = _Agents(system)
    try:
        for name in SHARED:
            importlib.import_module(name)
        _ = system.store  # a new database is made here, once, where a message about it is seen
        holder = system.scheduler
    except BaseException:
        agents.end_unused()
        raise
    if holder is not None and holder.kind == "scheduler":
        log.error(
            "Tradewind is up already in %s: its scheduler is process %d.", settings.home.path, holder.pid
        )
        agents.end_unused()
        system.close()
        return 1
    system.close()
    demand = Demand()
    supervisor = Supervisor(
        [
            Member("agent", agents.start, 2 * settings.tasks.kill_grace_seconds + 10),
            Member("importer", lambda: forked(lambda: importer_main(system), "importer")),
            Member(
                "triggerer",
                lambda: forked(lambda: triggerer_main(system, stays=False), "triggerer"),
                on_demand=demand,
            ),
            Member(
                "scheduler",
                lambda: forked(
                    lambda: scheduler_main(
                        system, agents.socket_path, triggerer=demanded(system, demand.bell)
                    ),
                    "scheduler",
                ),
                drains=True,
            ),
            Member(
                "housekeeping",
                lambda: forked(lambda: housekeeping_main(system), "housekeeping"),
                every=DAY,
                due=time.monotonic() + HOUSEKEEPING_AFTER,
            ),
        ],
        pauses,
    )
    return supervisor.run(
        lambda: log.info(
            "Tradewind is up. DAG folder: %s. Home: %s. Ctrl-C stops it.",
            settings.core.dags_folder,
            settings.home.path,
        )
    )


class _Agents:
    """Starts this installation's agent: forked at once, from a process that has imported no more than it needs; later ones
    are programs of their own, since this process has grown by then."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.socket_path = system.settings.home.run / "agent.sock"
        self._programs: list[object] = []
        for name in FOR_THE_AGENT:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()  # the collector would write to what is shared
        self._was_there = listening(self.socket_path) is not None
        self._first: int | None = agent_process(system, self.socket_path)

    def start(self) -> int:
        """The pid of an agent that listens, or is about to."""
        from tradewind.agent.process import spawn_agent
        from tradewind.app.agents import agent_options

        first, self._first = self._first, None
        there = first if first is not None else listening(self.socket_path)
        if there is not None:
            return there
        options = agent_options(
            self._system, socket=self.socket_path, session=self._system.ids.new_id(), linger=60.0
        )
        program = spawn_agent(options)
        self._programs = [program]  # kept, so that it is not waited for by anybody else
        return program.pid

    def end_unused(self) -> None:
        """There will be no system: end the agent, if it is ours."""
        if self._first is not None and not self._was_there:
            os.kill(self._first, signal.SIGTERM)


def agent_process(system: System, socket_path: Path) -> int:
    """The pid of this installation's agent: the one that is there already, or a new one."""
    from tradewind.agent.process import fork_agent
    from tradewind.app.agents import agent_options

    there = listening(socket_path)
    if there is not None:
        log.info("taking over the agent that is there already")
        return there
    return fork_agent(agent_options(system, socket=socket_path, session=system.ids.new_id(), linger=60.0))


def listening(socket_path: Path) -> int | None:
    """The process that listens on a Unix socket, if any."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(socket_path))
        except OSError:
            return None
        if not hasattr(socket, "SO_PEERCRED"):
            return None
        told = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", told)[0]
        return pid


def scheduler_main(
    system: System,
    socket_path: Path,
    passing: Callable[[str], None] = lambda _point: None,
    triggerer: TriggererAccess | None = None,
) -> int:
    """The scheduler's process.

    :param passing: see :class:`tradewind.scheduler.scheduler.Parts`.
    """
    from tradewind.builtin.local_executor import LocalExecutor
    from tradewind.scheduler.scheduler import Scheduler

    _wait_for_lock(system)
    executors = {"local": LocalExecutor(str(socket_path))}
    parts = replace(
        system.scheduler_parts(executors, serves_all=True, bell=True, triggerer=triggerer), passing=passing
    )
    scheduler = Scheduler(parts)
    _heed_signals(scheduler)
    own = scheduler_beats(system, scheduler)
    scheduler.start()
    try:
        scheduler.serve()
    finally:
        signal.set_wakeup_fd(-1)
        scheduler.close()
        system.health.end_scheduler(own, system.clock.now())
        system.lock.release()
        system.close()
    return 0


def _wait_for_lock(system: System) -> None:
    told = False
    while not system.lock.try_acquire("scheduler", system.clock.now().isoformat()):
        holder = system.scheduler
        if holder is not None and not told:
            log.info("waiting for process %d (%s), which schedules at present", holder.pid, holder.kind)
            told = True
        time.sleep(0.2)


def _heed_signals(scheduler: Scheduler) -> None:
    """SIGTERM lets the turn that is under way be finished, SIGUSR1 lets nothing more start."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)

    def stop(_signum: int, _frame: object) -> None:
        scheduler.stopping = True

    def drain(_signum: int, _frame: object) -> None:
        scheduler.draining = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(DRAIN, drain)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

    def wake() -> None:
        ours.recv(64)
        _ = theirs  # lives as long as it is written to

    scheduler.loop.watch(ours, wake)


def importer_main(system: System) -> int:
    """The importer's process."""
    from tradewind.app.importing import serve

    return serve(system)


def _talk() -> None:
    """Log to standard error, a line an event."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
