"""A Tradewind installation, opened: what the command line and the long-running processes work with."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.app.clock import SystemClock, SystemIds
from tradewind.config.settings import Settings, load
from tradewind.errors import Refused
from tradewind.model.commands import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewind.importing.planner import SidePlanner
    from tradewind.plugins.manager import PluginManager
    from tradewind.scheduler.scheduler import Parts
    from tradewind.scheduler.triggers import TriggererAccess
    from tradewind.store.attempts import AttemptRepository
    from tradewind.store.backfills import BackfillRepository
    from tradewind.store.callbacks import CallbackRepository
    from tradewind.store.commands import CommandRepository
    from tradewind.store.connections import ConnectionRepository
    from tradewind.store.crypto import Vault
    from tradewind.store.dags import DagRepository
    from tradewind.store.deadlines import DeadlineRepository
    from tradewind.store.engine import Store
    from tradewind.store.health import HealthRepository
    from tradewind.store.human_input import InputRepository
    from tradewind.store.imports import ImportRepository
    from tradewind.store.lock import Holder, SchedulerLock
    from tradewind.store.pools import PoolRepository
    from tradewind.store.rows import CommandRow
    from tradewind.store.runs import RunRepository
    from tradewind.store.variables import VariableRepository
    from tradewind.store.xcoms import XComRepository

ANSWER_WITHIN = 30.0  #: seconds that a command waits for a scheduler that is there


class System:
    """Settings, and everything that they lead to, each opened when it is first asked for.

    :param home: the home folder; ``None``: where the environment says.
    """

    def __init__(self, home: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        self.environ = os.environ if environ is None else environ
        self.clock = SystemClock()
        self.ids = SystemIds()
        self._home = home

    @cached_property
    def settings(self) -> Settings:
        """The settings; the home folder is made on the way."""
        settings = load(self._home, self.environ, brought=None)
        settings.home.create()
        return settings

    @cached_property
    def plugins(self) -> PluginManager:
        """The plugins of this environment."""
        from tradewind.plugins.manager import discover

        return discover()

    @cached_property
    def store(self) -> Store:
        """The metadata database, made where it is not there."""
        from tradewind.store.engine import open_store

        database = self.settings.database
        return open_store(
            self.settings.database_address,
            synchronous=database.synchronous,
            connect_timeout=database.connect_timeout,
        )

    @cached_property
    def dags(self) -> DagRepository:
        """DAGs and their versions."""
        from tradewind.store.dags import DagRepository

        return DagRepository(self.store)

    @cached_property
    def imports(self) -> ImportRepository:
        """What importing found."""
        from tradewind.store.imports import ImportRepository

        return ImportRepository(self.store)

    @cached_property
    def runs(self) -> RunRepository:
        """Runs and task instances."""
        from tradewind.store.runs import RunRepository

        return RunRepository(self.store)

    @cached_property
    def backfills(self) -> BackfillRepository:
        """Backfills and their slots."""
        from tradewind.store.backfills import BackfillRepository

        return BackfillRepository(self.store)

    @cached_property
    def attempts(self) -> AttemptRepository:
        """Attempts and the log of transitions."""
        from tradewind.store.attempts import AttemptRepository

        return AttemptRepository(self.store)

    @cached_property
    def inputs(self) -> InputRepository:
        """What tasks ask people for."""
        from tradewind.store.human_input import InputRepository

        return InputRepository(self.store)

    @cached_property
    def deadlines(self) -> DeadlineRepository:
        """By when runs are to succeed."""
        from tradewind.store.deadlines import DeadlineRepository

        return DeadlineRepository(self.store)

    @cached_property
    def callbacks(self) -> CallbackRepository:
        """Which callbacks were called for."""
        from tradewind.store.callbacks import CallbackRepository

        return CallbackRepository(self.store)

    @cached_property
    def xcoms(self) -> XComRepository:
        """XComs."""
        from tradewind.store.xcoms import XComRepository

        return XComRepository(self.store)

    @cached_property
    def commands(self) -> CommandRepository:
        """Commands, and what became of them."""
        from tradewind.store.commands import CommandRepository

        return CommandRepository(self.store)

    @cached_property
    def pools(self) -> PoolRepository:
        """Pools."""
        from tradewind.store.pools import PoolRepository

        return PoolRepository(self.store)

    @cached_property
    def vault(self) -> Vault:
        """Encrypts what is secret, with the key of this installation."""
        from tradewind.store.crypto import Vault

        return Vault(self.settings.home.key_file, self.environ)

    @cached_property
    def variables(self) -> VariableRepository:
        """Variables."""
        from tradewind.store.variables import VariableRepository

        return VariableRepository(self.store, self.vault)

    @cached_property
    def connections(self) -> ConnectionRepository:
        """Connections."""
        from tradewind.store.connections import ConnectionRepository

        return ConnectionRepository(self.store, self.vault)

    @cached_property
    def health(self) -> HealthRepository:
        """Which processes are there."""
        from tradewind.store.health import HealthRepository

        return HealthRepository(self.store)

    @cached_property
    def planner(self) -> SidePlanner:
        """Asks the timetables of plugins, in a process apart."""
        from tradewind.importing.planner import SidePlanner

        return SidePlanner(
            self.settings.scheduler.timetable_timeout_seconds,
            self.environ,
            hidden=("TRADEWIND__DATABASE__URL",),
        )

    @property
    def doorbell(self) -> Path:
        """Where the scheduler hears that there is something in the store for it."""
        return self.settings.home.run / "doorbell"

    @cached_property
    def lock(self) -> SchedulerLock:
        """Held by whoever schedules."""
        from tradewind.store.lock import scheduler_lock

        return scheduler_lock(self.store)

    @property
    def scheduler(self) -> Holder | None:
        """Who schedules at present."""
        return self.lock.holder()

    def scheduler_parts(
        self,
        executors: Mapping[str, Any],
        *,
        serves_all: bool,
        bell: bool,
        runs: frozenset[int] = frozenset(),
        default_executor: str | None = None,
        triggerer: TriggererAccess | None = None,
    ) -> Parts:
        """What a scheduler is made of."""
        from tradewind.scheduler.scheduler import Parts

        return Parts(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            executors=executors,
            default_executor=default_executor or self.settings.core.executor,
            variables=self.variables,
            connections=self.connections,
            max_map_length=self.settings.core.max_map_length,
            doorbell=self.doorbell if bell else None,
            planner=self.planner,
            catchup_confirm_above=self.settings.scheduler.catchup_confirm_above,
            serves_all=serves_all,
            runs=runs,
            callbacks_at_once=self.settings.tasks.callbacks_at_once,
            callback_timeout=self.settings.tasks.callback_timeout_seconds,
            triggerer=triggerer,
        )

    # -- commands --------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> str:
        """Hand a command in and ring; returns its id at once."""
        from tradewind.scheduler.inbox import ring

        command_id = self.ids.new_id()
        self.commands.submit(command, id=command_id, actor=actor(), at=self.clock.now())
        ring(self.doorbell)
        return command_id

    def command(self, command: Command) -> dict[str, Any]:
        """Have a command carried out: by the scheduler, or here where none is running.

        :returns: its result.
        :raises Refused: with the reason, where it cannot be carried out.
        """
        command_id = self.submit(command)
        give_up = time.monotonic() + ANSWER_WITHIN
        pause = 0.001
        while True:
            row = self.commands.get(command_id)
            if row is not None and row.applied_at is not None:
                return result_of(row)
            if self.lock.try_acquire("command"):
                self._apply_here(command_id)
                continue
            if time.monotonic() > give_up:
                holder = self.scheduler
                who = f"The {holder.kind} (process {holder.pid})" if holder else "The scheduler"
                raise Refused(
                    f"{who} did not answer within {ANSWER_WITHIN:g} s. The command is kept, and carried out as soon as it "
                    f"can be; `tradewind runs list` shows when that happened."
                )
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    def _apply_here(self, command_id: str) -> None:
        """Apply a command by the scheduler's own code. The lock is held, and let go."""
        from tradewind.scheduler.scheduler import Scheduler

        try:
            scheduler = Scheduler(self.scheduler_parts({}, serves_all=True, bell=False))
            try:
                scheduler.apply_alone(command_id)
            finally:
                scheduler.close()
        finally:
            self.lock.release()

    @contextmanager
    def opened(self) -> Iterator[System]:
        """Close the store at the end."""
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        """Close the store and end the planner's process, where they are there."""
        if "planner" in self.__dict__:
            self.planner.close()
        if "store" in self.__dict__:
            self.store.close()
            for name in [
                key for key in self.__dict__ if key not in ("environ", "clock", "ids", "_home", "settings")
            ]:
                del self.__dict__[name]


def result_of(row: CommandRow) -> dict[str, Any]:
    """What a command gave.

    :raises Refused: where it was refused.
    """
    if row.refused_reason is not None:
        raise Refused(row.refused_reason)
    return row.result or {}


def actor() -> str:
    """Who asks, as the audit log shows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
