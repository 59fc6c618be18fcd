"""What finished runs in the store cost those who come after: a start, a run's creation, a hop, the list of DAGs."""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import Figure, Options
from benchmarks.growth import PromptExecutor
from tradewind.app.clock import SystemClock, SystemIds
from tradewind.cli.main import main
from tradewind.model.commands import TriggerRun
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.scheduler.scheduler import Parts, Scheduler
from tradewind.serialization.specs import encode_spec, spec_hash
from tradewind.store.batch import Batch
from tradewind.store.commands import CommandRepository
from tradewind.store.connections import ConnectionRepository
from tradewind.store.crypto import Vault
from tradewind.store.engine import Store, open_store
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.rows import FoundDag
from tradewind.store.tables import to_micros
from tradewind.store.variables import VariableRepository
from tradewind.store.writer import Writer

TASKS = tuple(
    TaskSpec(task_id=f"t{number}", operator="PythonOperator", downstream=after)
    for number, after in enumerate((("t1",), ("t2",), ()))
)
SPEC = DagSpec(dag_id="grown", tasks=TASKS, file="grown.py", max_consecutive_failed_dag_runs=5)


def measure(options: Options) -> Iterator[Figure]:
    """Milliseconds with few and with many finished runs in the store, and how much the many cost over the few."""
    few, many = 10, 5_000 if options.quick else 100_000
    samples = options.samples(30)
    costs = {size: _costs(size, samples) for size in (few, many)}
    for what in costs[few]:
        for size in (few, many):
            yield Figure(
                what=what,
                variant=f"{size:,} finished runs in the store",
                value=costs[size][what],
                unit="ms",
                n=samples,
            )
        ratio = costs[many][what] / costs[few][what]
        yield Figure(what="growth with history", variant=what, value=ratio, unit="×", budget=1.5)


def _costs(size: int, samples: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as name:
        folder = Path(name)
        store = open_store(folder / "tradewind.db")
        try:
            _fill(store, folder, size)
            return {
                "scheduler, start": _median(5, lambda: _started(store, folder)),
                **_run_costs(store, folder, samples),
                "dags list": _median(5, lambda: _list(folder)),
            }
        finally:
            store.close()


def _fill(store: Store, folder: Path, size: int) -> None:
    """``size`` runs that ended, with their task instances and the log of what happened."""
    clock, ids = SystemClock(), SystemIds()
    found = FoundDag(
        dag_id=SPEC.dag_id,
        spec_text=encode_spec(SPEC),
        spec_hash=spec_hash(SPEC),
        source_hash="0",
        files=((SPEC.file, b""),),
        paused_at_creation=False,
    )
    record = FileImport(folder=str(folder), file=SPEC.file, dags=(found,))
    version = ImportRepository(store).record(record, now=clock.now(), new_id=ids.new_id).versions["grown"]
    writer, now, n = Writer(store), to_micros(clock.now()), 0
    done = {"state": "success", "start_date": now, "end_date": now}
    for begin in range(0, size, 1000):
        rows = [
            {
                "dag_id": SPEC.dag_id,
                "run_id": f"old{number}",
                "shard": 0,
                "version_id": version,
                "run_type": "manual",
                "logical_date": now - (size - number) * 1_000_000,
                "run_after": now - (size - number) * 1_000_000,
                "queued_at": now,
                **done,
            }
            for number in range(begin, min(begin + 1000, size))
        ]
        pks = writer.insert_runs(rows, [{"task_id": task.task_id, "try_number": 1, **done} for task in TASKS])
        log = Batch()
        for pk in pks:
            for _ in range(8):
                n += 1
                log.transitions.append(_transition(n, pk, now))
        writer.write(log)
        writer.commit()
    writer.close()


def _transition(n: int, run_pk: int, at: int) -> dict[str, object]:
    row: dict[str, object] = {"shard": 0, "n": n, "run_pk": run_pk, "ti_pk": None, "attempt_id": None}
    return row | {"old": None, "new": "success", "cause": "fact", "cause_id": None, "reason": "", "at": at}


def _scheduler(store: Store, folder: Path, executor: PromptExecutor) -> Scheduler:
    vault = Vault(folder / "key", {})
    return Scheduler(
        Parts(
            store=store,
            clock=SystemClock(),
            ids=SystemIds(),
            executors={"local": executor},
            default_executor="local",
            variables=VariableRepository(store, vault),
            connections=ConnectionRepository(store, vault),
        )
    )


def _started(store: Store, folder: Path) -> float:
    scheduler = _scheduler(store, folder, PromptExecutor(SystemClock()))
    began = time.perf_counter()
    scheduler.start()
    seconds = time.perf_counter() - began
    scheduler.close()
    return seconds


def _run_costs(store: Store, folder: Path, samples: int) -> dict[str, float]:
    """From a command to the first order of its run, and from there to the run's end."""
    executor, ids, clock = PromptExecutor(SystemClock()), SystemIds(), SystemClock()
    scheduler = _scheduler(store, folder, executor)
    scheduler.start()
    commands, made, ran = CommandRepository(store), [], []
    for number in range(samples):
        executor.first_order = None
        command = TriggerRun(dag_id=SPEC.dag_id, run_id=f"new{number}")
        commands.submit(command, id=ids.new_id(), actor="benchmark", at=clock.now())
        scheduler.ring()
        began = time.perf_counter()
        scheduler.serve(until=lambda: executor.first_order is not None)
        assert executor.first_order is not None
        scheduler.serve(until=lambda: not scheduler.memory.runs)
        made.append(executor.first_order - began)
        ran.append((time.perf_counter() - executor.first_order) / len(TASKS))
    scheduler.close()
    return {
        "scheduler, a run made": statistics.median(made) * 1000,
        "scheduler, a hop": statistics.median(ran) * 1000,
    }


def _list(folder: Path) -> float:
    os.environ["TRADEWIND_HOME"] = str(folder)
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(["dags", "list", "--output", "json"]) == 0
    return time.perf_counter() - began


def _median(times: int, measured: Callable[[], float]) -> float:
    return statistics.median([measured() for _ in range(times)]) * 1000
