"""What a seed left behind: the store's rows, and what the simulated tasks really did."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.model.spec import DagSpec, TaskSpec

    from .work import Execution
    from .world import World

Row = sqlite3.Row
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Broken:
    """A promise that was not kept. ``promise`` is its number in the design, or what else must hold."""

    promise: str
    what: str

    def __str__(self) -> str:
        return f"promise {self.promise} is broken: {self.what}"


class Evidence:
    """Rows, and ways to look them up. Nothing here, or in what reads it, is the scheduler's own code."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs: dict[str, DagSpec] = world.files.specs
        self.transitions = world.rows("SELECT rowid AS row, * FROM 'transition' ORDER BY rowid")
        self.attempts = world.rows("SELECT * FROM attempt ORDER BY rowid")
        self.runs = {row["id"]: row for row in world.rows("SELECT * FROM dag_run ORDER BY id")}
        self.instances = {row["id"]: row for row in world.rows("SELECT * FROM task_instance ORDER BY id")}
        self.commands = {row["id"]: row for row in world.rows("SELECT * FROM command ORDER BY rowid")}
        self.dags = {row["dag_id"]: row for row in world.rows("SELECT * FROM dag")}
        self.problems = world.rows("SELECT * FROM problem")
        self.executions: list[Execution] = world.work.executions

    @cached_property
    def transitions_of(self) -> dict[int, list[Row]]:
        """By task instance."""
        return _grouped(self.transitions, "ti_pk")

    @cached_property
    def transitions_of_run(self) -> dict[int, list[Row]]:
        """Of runs themselves, by run."""
        return _grouped([row for row in self.transitions if row["ti_pk"] is None], "run_pk")

    @cached_property
    def attempts_of(self) -> dict[int, list[Row]]:
        """By task instance, in the order in which they were made."""
        return _grouped(self.attempts, "ti_pk")

    @cached_property
    def instances_of(self) -> dict[int, list[Row]]:
        """By run."""
        return _grouped(list(self.instances.values()), "run_pk")

    @cached_property
    def executions_of(self) -> dict[str, list[Execution]]:
        """By attempt."""
        found: dict[str, list[Execution]] = defaultdict(list)
        for execution in self.executions:
            found[execution.attempt_id].append(execution)
        return found

    @cached_property
    def deleted(self) -> set[str]:
        """DAGs that were deleted, and may be back."""
        return {
            row["dag_id"]
            for row in self.commands.values()
            if row["kind"] == "delete_dag" and not row["refused_reason"]
        }

    def spec_of(self, run_pk: int) -> DagSpec:
        """What the run was made from."""
        return self.specs[self.runs[run_pk]["version_id"]]

    def task_of(self, instance: Row) -> TaskSpec:
        """What the instance was made from."""
        spec = self.spec_of(instance["run_pk"])
        return next(task for task in spec.tasks if task.task_id == instance["task_id"])

    def name(self, instance: Row) -> str:
        """The instance in words."""
        run = self.runs[instance["run_pk"]]
        index = f"[{instance['map_index']}]" if instance["map_index"] >= 0 else ""
        return f"{run['dag_id']}/{run['run_id']}/{instance['task_id']}{index}"


def _grouped(rows: list[Row], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found
