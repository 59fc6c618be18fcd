"""What a version changes, as people say it."""

from __future__ import annotations

from dataclasses import replace

from tradewind.model.spec import DagSpec, DagVersion, GroupSpec, SourceFile, TaskSpec, TimetableSpec
from tradewind.serialization.changes import Change, changes, summary

SPEC = DagSpec(
    dag_id="d",
    line=3,
    tasks=(
        TaskSpec(task_id="a", downstream=("b",), priority_weight=2),
        TaskSpec(task_id="b", operator="BashOperator"),
    ),
)


def version(spec: DagSpec, **files: str) -> DagVersion:
    listed = tuple(SourceFile(path=f"{name}.py", sha256=digest) for name, digest in files.items())
    return DagVersion(id="v", dag_id="d", number=1, spec=spec, folder="/dags", files=listed)


def between(new: DagSpec) -> list[Change]:
    return changes(version(SPEC), version(new))


def test_a_moved_line_is_no_change() -> None:
    assert between(replace(SPEC, line=9)) == []
    assert summary([]) == "nothing changed"


def test_settings_and_schedule_are_told_apart() -> None:
    found = between(replace(SPEC, catchup=True, max_active_runs=1, timetable=TimetableSpec(type="once")))
    assert summary(found) == "schedule changed, catchup, max_active_runs changed"


def test_a_task_that_moves_into_a_group_is_renamed_and_its_arrows_stay() -> None:
    new = replace(
        SPEC,
        tasks=(
            TaskSpec(task_id="a", downstream=("g.b",), priority_weight=2),
            TaskSpec(task_id="g.b", operator="BashOperator", group_id="g"),
        ),
        groups=(GroupSpec(group_id="g"),),
    )
    assert between(new) == [Change("task", "renamed", "g.b", "b", "g.b"), Change("group", "added", "g")]


def test_a_single_task_with_another_name_and_all_else_the_same_is_renamed() -> None:
    new = replace(
        SPEC,
        tasks=(
            TaskSpec(task_id="a", downstream=("c",), priority_weight=2),
            TaskSpec(task_id="c", operator="BashOperator"),
        ),
    )
    assert summary(between(new)) == "1 task renamed"
    other = replace(new, tasks=(new.tasks[0], replace(new.tasks[1], operator="EmptyOperator")))
    assert summary(between(other)) == "1 task added, 1 task removed"


def test_arrows_come_and_go_and_priorities_that_follow_are_not_told() -> None:
    new = replace(SPEC, tasks=(replace(SPEC.tasks[0], downstream=(), priority_weight=1), SPEC.tasks[1]))
    assert between(new) == [Change("dependency", "removed", "a >> b")]
    heavy = replace(SPEC, tasks=(replace(SPEC.tasks[0], priority_weight=5), SPEC.tasks[1]))
    assert between(heavy) == [Change("task", "changed", "a.priority_weight", 2, 5)]


def test_files_that_changed_are_named() -> None:
    found = changes(version(SPEC, d="1", old="2"), version(SPEC, d="3", helper="4"))
    assert [(it.change, it.name) for it in found] == [
        ("added", "helper.py"),
        ("changed", "d.py"),
        ("removed", "old.py"),
    ]
    assert summary(found) == "1 file added, 1 file changed, 1 file removed"
