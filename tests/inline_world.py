"""DAG files run to the end of their runs in this process: a real store, scheduler and runner, and the inline executor."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from tradewind.app.clock import SystemClock, SystemIds
from tradewind.authoring.collector import collect
from tradewind.builtin.inline_executor import InlineExecutor
from tradewind.model.commands import Command, TriggerRun
from tradewind.model.run import RunRow, TaskInstanceRow
from tradewind.model.states import RUN_FINAL
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


class InlineWorld:
    """An installation in a folder."""

    def __init__(self, folder: Path, **runner_options: Any) -> None:
        self.folder = folder
        self.clock, self.ids = SystemClock(), SystemIds()
        self.store: Store = open_store(folder / "tradewind.db")
        vault = Vault(folder / "key", {})
        self.runs = RunRepository(self.store)
        self.commands = CommandRepository(self.store)
        executor = InlineExecutor(
            clock=self.clock,
            log_folder=folder / "logs",
            cache_folder=folder / "cache",
            runner_options=runner_options,
        )
        self.scheduler = Scheduler(
            Parts(
                store=self.store,
                clock=self.clock,
                ids=self.ids,
                executors={"inline": executor},
                default_executor="inline",
                variables=VariableRepository(self.store, vault),
                connections=ConnectionRepository(self.store, vault),
            )
        )
        self._modules = set(sys.modules)
        self._path = sys.path[:]
        self.scheduler.start()

    def write(self, name: str, text: str) -> None:
        """A DAG file, imported."""
        path = self.folder / name
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(f"tradewind_dag_of_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = []
        for dag in collect(module):
            frozen = dag.spec()
            text_of = encode_spec(frozen)
            found.append(
                FoundDag(
                    dag_id=dag.dag_id,
                    spec_text=text_of,
                    spec_hash=spec_hash(frozen),
                    source_hash="0",
                    files=((name, path.read_bytes()),),
                    paused_at_creation=False,
                )
            )
        record = FileImport(folder=str(self.folder), file=name, dags=tuple(found))
        ImportRepository(self.store).record(record, now=self.clock.now(), new_id=self.ids.new_id)

    def send(self, command: Command) -> str | None:
        """Have a command applied; why it was refused."""
        command_id = self.ids.new_id()
        self.commands.submit(command, id=command_id, actor="ann", at=self.clock.now())
        self.scheduler.ring()
        for _ in range(100):
            self.scheduler.turn(0.01)
            row = self.commands.get(command_id)
            if row is not None and row.applied_at is not None:
                return row.refused_reason
        raise AssertionError(f"the scheduler does not apply {command}")

    def run(self, dag_id: str, run_id: str = "r") -> RunRow:
        """A run of the DAG, to its end."""
        assert self.send(TriggerRun(dag_id=dag_id, run_id=run_id)) is None
        return self.to_end(dag_id, run_id)

    def to_end(self, dag_id: str, run_id: str = "r") -> RunRow:
        """Go on until the run has ended."""
        for _ in range(100_000):
            row = self.runs.get(dag_id, run_id)
            if row.state in RUN_FINAL:
                return row
            for _ in range(10):
                self.scheduler.turn(0.01)
        raise AssertionError(f"the run never ends: {self.states(dag_id, run_id)}")

    def instances(self, dag_id: str, run_id: str = "r") -> dict[str, TaskInstanceRow]:
        """The task instances by name."""
        found = self.runs.task_instances(self.runs.get(dag_id, run_id).pk)
        return {it.task_id if it.map_index < 0 else f"{it.task_id}[{it.map_index}]": it for it in found}

    def states(self, dag_id: str, run_id: str = "r") -> dict[str, str | None]:
        return {name: it.state for name, it in self.instances(dag_id, run_id).items()}

    def close(self) -> None:
        self.scheduler.close()
        self.store.close()
        sys.path[:] = self._path
        for name in set(sys.modules) - self._modules:
            if name.startswith("tradewind_dag_"):
                del sys.modules[name]
