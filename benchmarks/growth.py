"""What a finished task costs the scheduler as the DAG grows: real scheduler and store, an executor that is done at once."""

from __future__ import annotations

import gc
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from benchmarks.figures import Figure, Options
from tradewind.app.clock import SystemClock, SystemIds
from tradewind.model.commands import TriggerRun
from tradewind.model.facts import AttemptFinished, AttemptStarted, Fact
from tradewind.model.order import Order
from tradewind.model.outcomes import Succeeded
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.ports.executor import Executor, ExecutorHost
from tradewind.scheduler.scheduler import Parts, Scheduler
from tradewind.serialization.specs import encode_spec, spec_hash
from tradewind.store.commands import CommandRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.crypto import Vault
from tradewind.store.engine import Store, open_store
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.rows import FoundDag
from tradewind.store.runs import RunRepository
from tradewind.store.variables import VariableRepository

SIZES = (10, 100, 1_000, 10_000, 100_000)
_SESSION = "00000000-0000-7000-8000-000000000001"


class PromptExecutor(Executor):
    """Whatever it is handed has started and succeeded by the next turn of the loop."""

    name: ClassVar[str] = "local"
    delivery: ClassVar[Literal["once", "at_least_once"]] = "once"

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._host: ExecutorHost | None = None
        self._orders: list[Order] = []
        self.first_order: float | None = None

    @property
    def capacity(self) -> int:
        return 2

    @property
    def session(self) -> str:
        return _SESSION

    def start(self, host: ExecutorHost) -> None:
        self._host = host
        host.session_started(_SESSION, (), host="here", pid=1, capacity=2)

    def submit(self, order: Order) -> None:
        if self.first_order is None:
            self.first_order = time.perf_counter()
        self._orders.append(order)

    def flush(self) -> None:
        if self._orders and self._host is not None:
            self._host.soon(self._report)

    def _report(self) -> None:
        orders, self._orders = self._orders, []
        assert self._host is not None
        for order in orders:
            now = self._clock.now()
            finished = AttemptFinished(
                attempt_id=order.attempt_id, outcome=Succeeded(), started_at=now, ended_at=now
            )
            facts: tuple[Fact, ...] = (AttemptStarted(attempt_id=order.attempt_id, at=now), finished)
            for fact in facts:
                self._host.report(fact, _SESSION)

    def cancel(self, attempt_id: str, reason: str) -> None:
        """Nothing is ever under way."""

    def stop(self) -> None:
        self._host = None


def measure(options: Options) -> Iterator[Figure]:
    """Milliseconds a finished task, for chains and fans, and how much the largest costs over the smallest of 100 or more."""
    sizes = SIZES[:3] if options.quick else SIZES
    for shape in ("chain", "fan"):
        costs = {}
        for size in sizes:
            # A small DAG is over too soon to be measured once.
            repeats = max(1, min(20, 1000 // size))
            costs[size] = min(_cost(shape, size) for _ in range(repeats))
            variant = f"{shape} of {size:,} tasks"
            yield Figure(
                what="scheduler, a finished task",
                variant=variant,
                value=costs[size],
                unit="ms",
                n=size * repeats,
            )
        ratio = costs[sizes[-1]] / costs[sizes[0]]
        yield Figure(
            what="growth",
            variant=f"{shape}: {sizes[-1]:,} over {sizes[0]} tasks",
            value=ratio,
            unit="×",
            budget=1.5,
        )


def _cost(shape: str, size: int) -> float:
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as name:
        folder = Path(name)
        store = open_store(folder / "tradewind.db")
        try:
            return _run(store, folder, _spec(shape, size)) / size * 1000
        finally:
            store.close()


def _run(store: Store, folder: Path, spec: DagSpec) -> float:
    """Seconds from the first order to the end of the run."""
    clock, ids = SystemClock(), SystemIds()
    found = FoundDag(
        dag_id=spec.dag_id,
        spec_text=encode_spec(spec),
        spec_hash=spec_hash(spec),
        source_hash="0",
        files=((spec.file, b""),),
        paused_at_creation=False,
    )
    record = FileImport(folder=str(folder), file=spec.file, dags=(found,))
    ImportRepository(store).record(record, now=clock.now(), new_id=ids.new_id)
    vault = Vault(folder / "key", {})
    executor = PromptExecutor(clock)
    scheduler = Scheduler(
        Parts(
            store=store,
            clock=clock,
            ids=ids,
            executors={"local": executor},
            default_executor="local",
            variables=VariableRepository(store, vault),
            connections=ConnectionRepository(store, vault),
        )
    )
    scheduler.start()
    command = TriggerRun(dag_id=spec.dag_id, run_id="r")
    CommandRepository(store).submit(command, id=ids.new_id(), actor="benchmark", at=clock.now())
    gc.collect()
    ended: list[float] = []

    def listen(transitions: object) -> None:
        if not scheduler.memory.runs:
            ended.append(time.perf_counter())

    scheduler.listeners.append(listen)
    scheduler.serve(until=lambda: executor.first_order is not None)
    scheduler.serve(until=lambda: not scheduler.memory.runs)
    scheduler.close()
    assert executor.first_order is not None
    state = RunRepository(store).get(spec.dag_id, "r").state
    assert state == "success", state
    return ended[-1] - executor.first_order


def _spec(shape: str, size: int) -> DagSpec:
    names = [f"t{number:06d}" for number in range(size)]
    if shape == "chain":
        after = {name: (following,) for name, following in itertools.pairwise(names)}
    else:
        after = {names[0]: tuple(names[1:-1]), **dict.fromkeys(names[1:-1], (names[-1],))}
    tasks = tuple(
        TaskSpec(task_id=name, operator="PythonOperator", downstream=after.get(name, ())) for name in names
    )
    return DagSpec(dag_id="grown", tasks=tasks, file="grown.py", max_active_tasks=16)
