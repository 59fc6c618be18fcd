"""What a seed left behind: the store's rows, and what the simulated tasks really did."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.model.spec import DagSpec, TaskSpec

    from .work import Execution
    from .world import World

Row = sqlite3.Row
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """A moment as rows have it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Broken:
    """A promise that was not kept. ``promise`` is its number in the design, or what else must hold."""

    promise: str
    what: str

    def __str__(self) -> str:
        return f"promise {self.promise} is broken: {self.what}"


def body_of(row: Row) -> dict[str, Any]:
    """A command's fields."""
    found: dict[str, Any] = json.loads(row["body"])
    return found


class Evidence:
    """Rows, and ways to look them up. Nothing here, or in what reads it, is the scheduler's own code."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs: dict[str, DagSpec] = world.files.specs
        self.transitions = world.rows("SELECT rowid AS row, * FROM 'transition' ORDER BY rowid")
        self.attempts = world.rows("SELECT * FROM attempt WHERE kind = 'task' ORDER BY rowid")
        self.callbacks = world.rows("SELECT * FROM attempt WHERE kind = 'callback' ORDER BY rowid")
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

    @cached_property
    def touched(self) -> set[int]:
        """Runs that a person had a hand in."""
        return {pk for pk, _ in self._corrections()}

    @cached_property
    def bent(self) -> set[int]:
        """Runs that a person had a hand in so that states no longer follow from those before them.

        That is not so where all behind what was cleared was cleared as well.
        """
        by_hand = {pk for pk, row in self._corrections() if not self._is_closed(pk, row)}
        return by_hand | {row["run_pk"] for row in self.transitions if "was cancelled" in row["reason"]}

    def _corrections(self) -> Iterator[tuple[int, Row]]:
        pks = {(run["dag_id"], run["run_id"]): pk for pk, run in self.runs.items()}
        for row in self.commands.values():
            pk = pks.get((row["dag_id"], json.loads(row["body"]).get("run_id")))
            corrects = row["kind"] in ("clear_tasks", "mark_tasks", "mark_run")
            if pk is not None and corrects and not row["refused_reason"]:
                yield pk, row

    def _is_closed(self, pk: int, row: Row) -> bool:
        body, spec = json.loads(row["body"]), self.spec_of(pk)
        if row["kind"] != "clear_tasks" or body.get("only"):
            return False
        chosen = set(body.get("task_ids", ()))
        if chosen and any(task.is_setup for task in spec.tasks):
            return False  # setups go again with their work, and what else is behind them does not
        return all(set(task.downstream) <= chosen for task in spec.tasks if task.task_id in chosen)

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
