"""DAGs as dice make them: a draft that every feature may shape, and the spec that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.serialization.specs import encode_spec, spec_hash
from tradewind.store.rows import FoundDag


@dataclass
class Draft:
    """A DAG that is not frozen yet.

    :param tasks: fields of :class:`TaskSpec` by task id, in order; an edge leads from an earlier task to a later one.
    :param roles: what the outcome of a task is chosen by: the name of a feature by task id.
    """

    dag_id: str
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: set[tuple[str, str]] = field(default_factory=set)
    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def downstream(self, task_id: str) -> tuple[str, ...]:
        """Directly behind the task, in the order of tasks."""
        return tuple(other for other in self.tasks if (task_id, other) in self.edges)

    def plain(self) -> list[str]:
        """Tasks that no feature has taken for itself."""
        return [task_id for task_id in self.tasks if task_id not in self.roles]

    def spec(self) -> DagSpec:
        """The DAG, frozen."""
        tasks = tuple(
            TaskSpec(
                task_id=task_id,
                downstream=self.downstream(task_id),
                extra={"role": self.roles[task_id]} if task_id in self.roles else {},
                **fields,
            )
            for task_id, fields in self.tasks.items()
        )
        return DagSpec(dag_id=self.dag_id, tasks=tasks, file=f"{self.dag_id}.py", **self.fields)


def draft_dag(dag_id: str, dice: Random) -> Draft:
    """A graph of up to eight tasks, nothing special about any of them."""
    draft = Draft(dag_id)
    size = dice.choice((1, 2, 3, 3, 4, 4, 5, 6, 8))
    density = dice.choice((0.2, 0.4, 0.7))
    for number in range(size):
        draft.tasks[f"t{number}"] = {"retry_delay": 5.0}
        for before in range(number):
            if dice.random() < density:
                draft.edges.add((f"t{before}", f"t{number}"))
    draft.fields["max_active_runs"] = dice.choice((1, 2, 3, 16))
    return draft


def found(spec: DagSpec) -> FoundDag:
    """The DAG as the importer would find it."""
    return FoundDag(
        dag_id=spec.dag_id,
        spec_text=encode_spec(spec),
        spec_hash=spec_hash(spec),
        source_hash="0",
        files=((spec.file, b"# a DAG"),),
        paused_at_creation=False,
    )
