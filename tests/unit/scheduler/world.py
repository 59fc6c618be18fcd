"""A scheduler over a real database, with a clock and an executor in the test's hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from tradewind.app.clock import SystemIds
from tradewind.model.commands import Command, DagChanged, SetPaused, TriggerRun
from tradewind.model.facts import AttemptFinished, AttemptStarted, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome, Succeeded
from tradewind.model.run import RunRow, TaskInstanceRow
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.ports.executor import Executor, ExecutorHost
from tradewind.ports.planner import Planner
from tradewind.scheduler.scheduler import Parts, Scheduler
from tradewind.serialization.specs import encode_spec, spec_hash
from tradewind.store.attempts import AttemptRepository
from tradewind.store.commands import CommandRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.crypto import Vault
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store, open_store
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.rows import CommandRow, DagRow, FoundDag
from tradewind.store.runs import RunRepository
from tradewind.store.variables import VariableRepository

START = datetime(2024, 1, 10, 12, tzinfo=UTC)


class HandClock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.moment = START
        self._set_by = timedelta()

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - START - self._set_by).total_seconds()

    def pass_by(self, **parts: float) -> None:
        self.moment += timedelta(**parts)

    def set_to(self, moment: datetime) -> None:
        """Somebody sets the time of day."""
        self._set_by += moment - self.moment
        self.moment = moment


class HandExecutor(Executor):
    """Keeps orders until the test reports what became of them."""

    name: ClassVar[str] = "local"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(self, clock: HandClock, capacity: int = 4, session: str = "session-1") -> None:
        self._clock = clock
        self._capacity = capacity
        self._session = session
        self.orders: dict[str, Order] = {}
        self.submitted: list[Order] = []
        self.cancelled: list[tuple[str, str]] = []
        self.prepared: list[str] = []
        self.host: ExecutorHost | None = None
        self.held: tuple[str, ...] = ()

    @property
    def capacity(self) -> int:
        return self._capacity

    @property
    def session(self) -> str:
        return self._session

    def start(self, host: ExecutorHost) -> None:
        self.host = host
        host.session_started(self._session, self.held, host="here", pid=1, capacity=self._capacity)

    def submit(self, order: Order) -> None:
        if order.attempt_id in self.held or any(it.attempt_id == order.attempt_id for it in self.submitted):
            return  # an agent passes over what it has
        mapped = order.map_index >= 0
        self.orders[f"{order.task_id}[{order.map_index}]" if mapped else order.task_id] = order
        self.submitted.append(order)

    def cancel(self, attempt_id: str, reason: str) -> None:
        self.cancelled.append((attempt_id, reason))

    def prepare(self, version_id: str, attempts: int) -> None:
        self.prepared.append(version_id)

    def stop(self) -> None:
        self.host = None

    def begin(self, task_id: str) -> None:
        """The attempt of the task has started."""
        assert self.host is not None
        order = self.orders[task_id]
        self.host.report(AttemptStarted(attempt_id=order.attempt_id, at=self._clock.now()), self._session)

    def end(
        self,
        task_id: str,
        outcome: Outcome | None = None,
        xcoms: tuple[XCom, ...] = (),
        session: str | None = None,
        acknowledge: Callable[[], None] | None = None,
    ) -> Order:
        """The newest attempt of the task has ended; its order is handed back."""
        assert self.host is not None
        order, now = self.orders.pop(task_id), self._clock.now()
        fact = AttemptFinished(
            attempt_id=order.attempt_id,
            outcome=outcome or Succeeded(),
            started_at=now,
            ended_at=now,
            xcoms=xcoms,
        )
        self.host.report(fact, session or self._session, acknowledge)
        return order


class World:
    """An installation in a folder."""

    def __init__(self, folder: Path, connect_timeout: float = 5.0, url: str | None = None) -> None:
        self.clock = HandClock()
        self.ids = SystemIds()
        self.store: Store = open_store(url or folder / "tradewind.db", connect_timeout=connect_timeout)
        self._vault = Vault(folder / "key", {})
        self.runs = RunRepository(self.store)
        self.attempts = AttemptRepository(self.store)
        self.commands = CommandRepository(self.store)
        self.executor = HandExecutor(self.clock)
        self.passing: Callable[[str], None] = lambda _point: None
        self.ended: set[str] = set()  #: ids of attempts that a test ended by their run
        self.planner: Planner | None = None
        self.catchup_confirm_above = 1000
        self.scheduler = self._made()

    def remake(self) -> None:
        """Another scheduler, with the executor that is in place by now."""
        self.scheduler.close()
        self.scheduler = self._made()

    def _made(self) -> Scheduler:
        return Scheduler(
            Parts(
                store=self.store,
                clock=self.clock,
                ids=self.ids,
                executors={"local": self.executor},
                default_executor="local",
                variables=VariableRepository(self.store, self._vault),
                connections=ConnectionRepository(self.store, self._vault),
                passing=lambda point: self.passing(point),
                planner=self.planner,
                catchup_confirm_above=self.catchup_confirm_above,
            )
        )

    def add_dag(self, *tasks: TaskSpec, dag_id: str = "d", paused: bool = False, **fields: Any) -> None:
        """Import a DAG, as the importer would."""
        spec = DagSpec(dag_id=dag_id, tasks=tasks, file=f"{dag_id}.py", **fields)
        found = FoundDag(
            dag_id=dag_id,
            spec_text=encode_spec(spec),
            spec_hash=spec_hash(spec),
            source_hash="0",
            files=((f"{dag_id}.py", b"# a DAG"),),
            paused_at_creation=paused,
        )
        record = FileImport(folder="/dags", file=f"{dag_id}.py", dags=(found,))
        ImportRepository(self.store).record(record, now=self.clock.now(), new_id=self.ids.new_id)

    def start(self) -> None:
        """Start the scheduler and let it settle."""
        self.scheduler.start()
        self.settle()

    def crash(self, session: str = "session-1", held: tuple[str, ...] = ()) -> None:
        """The scheduler is gone without a word; another one takes its place."""
        self.scheduler.close()  # lets go of descriptors, and writes nothing
        self.executor = HandExecutor(self.clock, session=session)
        self.executor.held = held
        self.scheduler = self._made()
        self.start()

    def settle(self) -> None:
        """Let the scheduler work on all that there is."""
        for _ in range(5):
            self.scheduler.turn(0.0)

    def send(self, command: Command, *, settle: bool = True) -> CommandRow:
        """Hand a command in and have it applied; without ``settle``, in the next turn."""
        return self.send_together(command, settle=settle)[0]

    def send_together(self, *commands: Command, settle: bool = True) -> list[CommandRow]:
        """Hand commands in that are applied in one turn."""
        ids = [self.ids.new_id() for _ in commands]
        at = self.clock.now()
        for number, (id, command) in enumerate(zip(ids, commands, strict=True)):
            moment = at + timedelta(microseconds=number)
            self.commands.submit(command, id=id, actor="ann", at=moment)
        self.scheduler.ring()
        if settle:
            self.settle()
        rows = [self.commands.get(id) for id in ids]
        assert all(rows)
        return [row for row in rows if row is not None]

    def trigger(self, dag_id: str = "d") -> None:
        """Make a run with the id ``r``."""
        assert self.send(TriggerRun(dag_id=dag_id, run_id="r")).refused_reason is None

    def edit_dag(self, *tasks: TaskSpec, dag_id: str = "d", **fields: Any) -> None:
        """Import another version of the DAG, and have the scheduler hear of it."""
        self.add_dag(*tasks, dag_id=dag_id, **fields)
        self.send(DagChanged(dag_id=dag_id))

    def switch(self, paused: bool, dag_id: str = "d") -> None:
        """Switch a DAG off or on."""
        self.send(SetPaused(dag_id=dag_id, paused=paused))

    def dag(self, dag_id: str = "d") -> DagRow:
        return DagRepository(self.store).get(dag_id)

    def open_orders(self) -> list[Order]:
        """What was handed over and has not ended."""
        open_ = {row.id for row in self.attempts.open_attempts()}
        return [order for order in self.executor.submitted if order.attempt_id in open_]

    def run(self, run_id: str = "r", dag_id: str = "d") -> RunRow:
        return self.runs.get(dag_id, run_id)

    def instance(self, task_id: str, run_id: str = "r") -> TaskInstanceRow:
        (found,) = self.runs.task_instances(self.run(run_id).pk, task_id)
        return found

    def states(self, run_id: str = "r") -> dict[str, str | None]:
        return {it.task_id: it.state for it in self.runs.task_instances(self.run(run_id).pk)}
