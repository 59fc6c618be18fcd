"""A whole Tradewind in this process: the real scheduler over a store that is thrown away, on a clock that can be moved."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.app.clock import SystemIds
from tradewind.errors import Refused
from tradewind.model.commands import Command, DagChanged, PoolChanged, SetPaused, TriggerRun
from tradewind.model.connection import Connection
from tradewind.model.spec import DagSpec
from tradewind.model.states import RUN_FINAL
from tradewind.scheduler.scheduler import Parts, Scheduler
from tradewind.serialization.specs import encode_spec, spec_hash
from tradewind.store.attempts import AttemptRepository
from tradewind.store.commands import CommandRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.crypto import Vault
from tradewind.store.engine import open_store
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.pools import PoolRepository
from tradewind.store.rows import FoundDag
from tradewind.store.runs import RunRepository
from tradewind.store.variables import VariableRepository
from tradewind.store.xcoms import XComRepository
from tradewind.testing.clock import BEGINNING, MovableClock
from tradewind.testing.executor import LiveExecutor
from tradewind.testing.injections import Choices, Failures
from tradewind.testing.results import RunResult, result_of

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG

PATIENCE = timedelta(days=400)  #: that a run may wait, on the clock of the test
MANY_SLOTS = 128  #: of a pool that a DAG names and the test has not made


class App:
    """Tradewind for a test. Tasks run in this process, one after another; nothing waits in earnest.

    :param now: aware; where the clock begins.
    :param variables: by key.
    :param connections: by id: a :class:`tradewind.Connection`, or its URI.
    :param pools: slots by name; a pool that a DAG names and that is not here is made with plenty.
    """

    def __init__(
        self,
        *,
        now: datetime = BEGINNING,
        variables: Mapping[str, str] | None = None,
        connections: Mapping[str, Connection | str] | None = None,
        pools: Mapping[str, int] | None = None,
    ) -> None:
        self.clock = MovableClock(now, self._pass_time)
        self._ids = SystemIds()
        self._folder = tempfile.TemporaryDirectory(prefix="tradewind-testing-")
        place = Path(self._folder.name)
        (place / "tradewind.db").write_bytes(_empty_database())
        self._store = open_store(
            place / "tradewind.db", synchronous="OFF", prepare=False, compiled=_compiled_statements()
        )
        vault = Vault(place / "key", {})
        self._variables = VariableRepository(self._store, vault)
        self._connections = ConnectionRepository(self._store, vault)
        self._pools = PoolRepository(self._store)
        self._commands = CommandRepository(self._store)
        self._runs = RunRepository(self._store)
        self._executor = LiveExecutor(self.clock)
        self._dags: dict[str, DAG] = {}
        self._scheduler = Scheduler(
            Parts(
                store=self._store,
                clock=self.clock,
                ids=self._ids,
                executors={LiveExecutor.name: self._executor},
                default_executor=LiveExecutor.name,
                variables=self._variables,
                connections=self._connections,
            )
        )
        self._scheduler.start()
        for key, value in (variables or {}).items():
            self.set_variable(key, value)
        for conn_id, connection in (connections or {}).items():
            self.set_connection(conn_id, connection)
        for name, slots in (pools or {}).items():
            self.set_pool(name, slots)

    # -- what there is ---------------------------------------------------------------------------------------

    def set_variable(self, key: str, value: str) -> None:
        """Set a variable."""
        self._variables.set(key, value)

    def set_connection(self, conn_id: str, connection: Connection | str) -> None:
        """Set a connection, given as one or as its URI."""
        made = Connection.parse(conn_id, connection) if isinstance(connection, str) else connection
        self._connections.set(dataclasses.replace(made, conn_id=conn_id))

    def set_pool(self, name: str, slots: int) -> None:
        """Make a pool, or change it."""
        self._pools.set(name, slots)
        self.command(PoolChanged(name=name))

    def add(
        self,
        dag: DAG,
        *,
        paused: bool = False,
        fail: Failures = (),
        choose: Choices | None = None,
        returns: Mapping[str, Any] | None = None,
        skip: Iterable[str] = (),
    ) -> None:
        """Bring a DAG in, as if its file had just been seen; its schedule is followed from now on unless it is paused.

        :param fail: and the others: as for :meth:`run`, for all runs of the DAG.
        :raises DefinitionError: where the DAG cannot run as it is.
        """
        dag.settle()
        spec = _spec(dag)
        self._executor.keep(dag)
        self._executor.injections.pop(spec.dag_id, None)
        self._executor.injections[spec.dag_id].add(dag, fail, choose, returns, tuple(skip))
        known = {pool.name for pool in self._pools.all()}
        for name in sorted({task.pool for task in spec.tasks} - known):
            self.set_pool(name, MANY_SLOTS)
        self._import(spec, paused)
        self._dags[spec.dag_id] = dag
        self.command(DagChanged(dag_id=spec.dag_id))

    def pause(self, dag_id: str) -> None:
        """Switch a DAG off."""
        self.command(SetPaused(dag_id=dag_id, paused=True))

    def unpause(self, dag_id: str) -> None:
        """Switch a DAG on."""
        self.command(SetPaused(dag_id=dag_id, paused=False))

    # -- runs ------------------------------------------------------------------------------------------------

    def run(
        self,
        dag: DAG,
        *,
        logical_date: datetime | None = None,
        conf: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        fail: Failures = (),
        choose: Choices | None = None,
        returns: Mapping[str, Any] | None = None,
        skip: Collection[str] = (),
    ) -> RunResult:
        """Run a DAG to its end. Where it waits (for a retry, a reschedule), the clock goes on to that moment.

        A DAG that was not added before is added paused, so that its schedule makes no runs of its own.

        :param logical_date: without a zone it is meant in UTC; left out, it is what the clock says.
        :param fail: tasks that fail: a set (always), or a dict of how many tries do, or of the exception that they raise.
        :param choose: of a branch, the task or tasks that go on; of a short circuit, whether anything does.
        :param returns: what tasks return, in place of running them.
        :param skip: tasks that skip themselves.
        :raises Refused: where the run can never end, saying what it waits for.
        """
        known = self._dags.get(dag.dag_id) is dag
        if not known or fail or choose or returns or skip:
            self.add(dag, paused=not known, fail=fail, choose=choose, returns=returns, skip=skip)
        if logical_date is not None and logical_date.tzinfo is None:
            logical_date = logical_date.replace(tzinfo=UTC)
        command = TriggerRun(
            dag_id=dag.dag_id,
            run_id=run_id,
            logical_date=logical_date,
            conf=dict(conf or {}),
            even_if_paused=True,
        )
        made, give_up = self.command(command)["run_id"], self.clock.now() + PATIENCE
        while (row := self._runs.get(dag.dag_id, made)).state not in RUN_FINAL:
            moment = self._scheduler.loop.next_moment
            if moment is None or moment > give_up:
                raise Refused(self._stuck(row.pk))
            self.clock.leap(moment)
            self._settle()
        return self._result(dag.dag_id, made)

    def runs(self, dag_id: str) -> list[RunResult]:
        """All runs of a DAG, in the order of their dates."""
        rows = self._runs.find(dag_id, limit=None, newest_first=False)
        return [self._result(dag_id, row.info.run_id) for row in rows]

    def command(self, command: Command) -> dict[str, Any]:
        """Have a command carried out, with all that follows from it now; its result.

        :raises Refused: with the reason.
        """
        id = self._ids.new_id()
        self._commands.submit(command, id=id, actor="test", at=self.clock.now())
        self._scheduler.ring()
        self._settle()
        row = self._commands.get(id)
        assert row is not None
        if row.refused_reason is not None:
            raise Refused(row.refused_reason)
        return row.result or {}

    # -- life ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Throw everything away."""
        self._scheduler.close()
        self._store.close()
        self._folder.cleanup()

    def __enter__(self) -> App:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------------------------

    def _import(self, spec: DagSpec, paused: bool) -> None:
        found = FoundDag(
            dag_id=spec.dag_id,
            spec_text=encode_spec(spec),
            spec_hash=spec_hash(spec),
            source_hash=hashlib.sha256(b"").hexdigest(),
            files=((spec.file, b""),),
            paused_at_creation=paused,
        )
        record = FileImport(folder=self._folder.name, file=spec.file, dags=(found,))
        ImportRepository(self._store).record(record, now=self.clock.now(), new_id=self._ids.new_id)

    def _settle(self) -> None:
        """Let all happen that can happen at this moment."""
        self._scheduler.turn(0.0)
        while self._scheduler.has_work or not self._executor.is_idle:
            self._scheduler.turn(0.0)

    def _pass_time(self, until: datetime) -> None:
        self._settle()
        while (moment := self._scheduler.loop.next_moment) is not None and moment <= until:
            self.clock.leap(moment)
            self._settle()
        self.clock.leap(until)
        self._settle()

    def _result(self, dag_id: str, run_id: str) -> RunResult:
        row = self._runs.get(dag_id, run_id)
        instances = self._runs.task_instances(row.pk)
        written, attempts = self._executor.logs, AttemptRepository(self._store)
        logs = {}
        for it in instances:
            paths = dict.fromkeys(one.log_path for one in attempts.of_task_instance(it.pk))
            logs[it.pk] = "".join(written[path] for path in paths)
        return result_of(row, instances, XComRepository(self._store), logs)

    def _stuck(self, run_pk: int) -> str:
        memory = self._scheduler.memory
        run = memory.runs.get(run_pk)
        if run is None:
            return "The run was put aside after an error of the scheduler."
        waits = []
        for number, state in enumerate(run.states):
            blocked = memory.admission.ledger.blocked(memory.candidate(run, number, LiveExecutor.name))
            if state is not None and blocked is not None:
                waits.append(f"{run.label(number)} {blocked.reason}")
        return f"Run {run.info.run_id!r} cannot go on: {'; '.join(waits) or run.reason}."


@cache
def _compiled_statements() -> dict[Any, Any]:
    """Shared by all apps of a process: compiling them takes longer than all else that a small run needs."""
    return {}


@cache
def _empty_database() -> bytes:
    """A database without anything in it, made once: a copy of it is there in a tenth of the time."""
    with tempfile.TemporaryDirectory(prefix="tradewind-testing-") as folder:
        path = Path(folder) / "tradewind.db"
        open_store(path, synchronous="OFF").close()
        return path.read_bytes()


def _spec(dag: DAG) -> DagSpec:
    """The DAG's spec, as it runs here: its tasks on the one executor that there is."""
    spec = dag.spec()
    tasks = tuple(dataclasses.replace(task, executor=None) for task in spec.tasks)
    file = os.path.basename(dag.fileloc) or f"{dag.dag_id}.py"
    # two DAGs of one test module must not look like one file that lost a DAG
    return dataclasses.replace(spec, tasks=tasks, executor=None, file=f"{dag.dag_id}/{file}")
