"""Limits, checked by going through the log: at no moment was more under way than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .evidence import Broken, Evidence

_ACTIVE = ("queued", "running", "restarting")
_CAPACITY = {"local": 4, "broker": 4}


def limits_were_kept(evidence: Evidence) -> Iterator[Broken]:
    """Pools, ``max_active_*``, executors: whoever begins does so within every limit that holds at that moment."""
    used: Counter[Any] = Counter()
    most_runs: dict[str, int] = {}
    for spec in evidence.specs.values():
        most_runs[spec.dag_id] = max(most_runs.get(spec.dag_id, 0), spec.max_active_runs)
    for row in evidence.transitions:
        run = evidence.runs[row["run_pk"]]
        if row["ti_pk"] is None:
            if run["run_type"] == "backfill":
                continue  # its backfill has a limit of its own
            going = (row["new"] == "running") - (row["old"] == "running")
            used["runs", run["dag_id"]] += going
            if going > 0 and used["runs", run["dag_id"]] > most_runs[run["dag_id"]]:
                yield Broken("limit", f"{run['dag_id']} has more than {most_runs[run['dag_id']]} active runs")
            continue
        instance = evidence.instances[row["ti_pk"]]
        change = (row["new"] in _ACTIVE) - (row["old"] in _ACTIVE)
        if not change:
            continue
        for key, slots, most in _counted(evidence, instance, row["row"]):
            used[key] += change * slots
            if change > 0 and most is not None and used[key] > most:
                yield Broken(
                    "limit", f"{key} has {used[key]} in use of {most}, with {evidence.name(instance)}"
                )


def _counted(evidence: Evidence, instance: Any, at: int) -> Iterator[tuple[Any, int, int | None]]:
    task, spec = evidence.task_of(instance), evidence.spec_of(instance["run_pk"])
    executor = task.executor or "local"
    yield ("pool", task.pool), task.pool_slots, _slots(evidence, task.pool, at)
    yield ("run", instance["run_pk"]), 1, spec.max_active_tasks
    yield ("executor", executor), 1, _CAPACITY[executor]
    if (
        task.max_active_tis_per_dag is not None
    ):  # what runs of a version without the limit does not count towards it
        yield ("task", spec.dag_id, task.task_id), 1, task.max_active_tis_per_dag
    yield ("run-task", instance["run_pk"], task.task_id), 1, task.max_active_tis_per_dagrun


def _slots(evidence: Evidence, pool: str, at: int) -> int | None:
    """The most slots that the pool can have had at that place of the log: a change counts from some moment between its
    being written and its command's being applied. Unknown where a DAG was deleted, since the log is numbered anew then."""
    if evidence.deleted:
        return None
    if pool == "default_pool":
        return 128
    possible = [0]
    for before, after, slots in evidence.world.people.pool_changes.get(pool, []):
        if after is not None and after < at:
            possible = [slots or 0]
        elif before is not None and before < at:
            possible.append(slots or 0)
    return max(possible)
