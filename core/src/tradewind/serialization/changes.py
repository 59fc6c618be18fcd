"""What a new version of a DAG changes, as its author would say it: ``schedule changed, 2 tasks added``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from tradewind.model.spec import DagSpec, DagVersion, TaskSpec
from tradewind.serialization.specs import differences

#: fields that follow from others, or say nothing about what the DAG does
_SILENT = frozenset({"line", "edge_labels"})
_SILENT_OF_TASK = frozenset({"downstream", "group_id", "task_id"})
_PLURALS = {"dependency": "dependencies"}
_ORDER = ("schedule", "setting", "task", "dependency", "group", "file")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.

    :param subject: ``schedule``, ``setting``, ``task``, ``dependency``, ``group`` or ``file``.
    :param change: ``added``, ``removed``, ``renamed`` (moving into another group is that too) or ``changed``.
    :param name: of the task, setting, ...; of something renamed, its new name.
    :param old: what it was, as plain data; of something renamed, its old name.
    """

    subject: str
    change: str
    name: str
    old: Any = None
    new: Any = None


def changes(old: DagVersion, new: DagVersion) -> list[Change]:
    """All that differs between two versions of a DAG; empty where both do the same by the same code."""
    renamed = _renamed(old.spec, new.spec)
    found = [
        *_of_dag(old.spec, new.spec),
        *_of_tasks(old.spec, new.spec, renamed),
        *_of_dependencies(old.spec, new.spec, renamed),
        *_of_names("group", _groups(old.spec), _groups(new.spec)),
        *_of_files(old, new),
    ]
    return sorted(found, key=lambda it: (_ORDER.index(it.subject), it.change, it.name))


def summary(found: Iterable[Change]) -> str:
    """The changes in one line."""
    listed = list(found)
    parts = []
    settings = [it.name for it in listed if it.subject == "setting"]
    counts = Counter((it.subject, it.change) for it in listed if it.subject != "setting")
    for (subject, change), number in counts.items():
        if subject == "schedule":
            parts.append("schedule changed")
        else:
            named = subject if number == 1 else _PLURALS.get(subject, f"{subject}s")
            parts.append(f"{number} {named} {change}")
    if settings:
        at = 1 if parts and parts[0].startswith("schedule") else 0
        parts.insert(at, f"{', '.join(settings)} changed")
    return ", ".join(parts) or "nothing changed"


def _of_dag(old: DagSpec, new: DagSpec) -> Iterable[Change]:
    bare = {"tasks": (), "groups": ()}
    for it in differences(replace(old, **bare), replace(new, **bare)):  # type: ignore[arg-type]
        if it.path not in _SILENT:
            subject = "schedule" if it.path.split(".")[0] == "schedule" else "setting"
            yield Change(subject, "changed", it.path, _plain(it.old), _plain(it.new))


def _of_tasks(old: DagSpec, new: DagSpec, renamed: dict[str, str]) -> Iterable[Change]:
    before = {renamed.get(task.task_id, task.task_id): task for task in old.tasks}
    after = {task.task_id: task for task in new.tasks}
    for was, is_now in renamed.items():
        yield Change("task", "renamed", is_now, was, is_now)
    yield from _of_names("task", before, after)
    # A priority is the sum of what is downstream: it changes by itself where the graph does.
    silent = (
        _SILENT_OF_TASK if _edges(old, renamed) == _edges(new, {}) else _SILENT_OF_TASK | {"priority_weight"}
    )
    for name in before.keys() & after.keys():
        one, other = (_field_values(task, silent) for task in (before[name], after[name]))
        for field in one:
            if one[field] != other[field]:
                yield Change("task", "changed", f"{name}.{field}", _plain(one[field]), _plain(other[field]))


def _of_dependencies(old: DagSpec, new: DagSpec, renamed: dict[str, str]) -> Iterable[Change]:
    """Arrows between tasks that both versions have; those of a task that came or went come and go with it."""
    both = {renamed.get(task.task_id, task.task_id) for task in old.tasks} & {t.task_id for t in new.tasks}
    before, after = (
        {edge for edge in edges if both.issuperset(edge)} for edges in (_edges(old, renamed), _edges(new, {}))
    )
    for kind, edges in (("added", after - before), ("removed", before - after)):
        for upstream, downstream in edges:
            yield Change("dependency", kind, f"{upstream} >> {downstream}")


def _of_files(old: DagVersion, new: DagVersion) -> Iterable[Change]:
    before, after = ({it.path: it.sha256 for it in version.files} for version in (old, new))
    yield from _of_names("file", before, after)
    for path in before.keys() & after.keys():
        if before[path] != after[path]:
            yield Change("file", "changed", path)


def _of_names(subject: str, before: Iterable[str], after: Iterable[str]) -> Iterable[Change]:
    old, new = set(before), set(after)
    for name in new - old:
        yield Change(subject, "added", name)
    for name in old - new:
        yield Change(subject, "removed", name)


def _renamed(old: DagSpec, new: DagSpec) -> dict[str, str]:
    """Tasks that have another id and are the same otherwise: old id -> new id.

    Those that moved into another group, by the last part of their id; and a single one that went where a single one came.
    """
    known, still = {task.task_id for task in old.tasks}, {task.task_id for task in new.tasks}
    gone = {task.task_id: task for task in old.tasks if task.task_id not in still}
    come = {task.task_id: task for task in new.tasks if task.task_id not in known}
    found: dict[str, str] = {}
    for was, task in gone.items():
        same = [name for name, other in come.items() if _same(task, other)]
        moved = [name for name in same if name.split(".")[-1] == was.split(".")[-1]]
        if len(moved) == 1:
            found[was] = moved[0]
        elif len(gone) == len(come) == len(same) == 1:
            found[was] = same[0]
    return found


def _same(one: TaskSpec, other: TaskSpec) -> bool:
    silent = _SILENT_OF_TASK | {"priority_weight", "inputs"}
    return _field_values(one, silent) == _field_values(other, silent)


def _field_values(task: TaskSpec, without: frozenset[str]) -> dict[str, Any]:
    return {name: getattr(task, name) for name in TaskSpec.__dataclass_fields__ if name not in without}


def _edges(spec: DagSpec, renamed: dict[str, str]) -> set[tuple[str, str]]:
    return {
        (renamed.get(task.task_id, task.task_id), renamed.get(after, after))
        for task in spec.tasks
        for after in task.downstream
    }


def _groups(spec: DagSpec) -> list[str]:
    return [group.group_id for group in spec.groups]


def _plain(value: Any) -> Any:
    """As plain data, for people and programs."""
    return msgspec.to_builtins(value)
