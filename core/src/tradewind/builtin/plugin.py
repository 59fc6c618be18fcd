"""What the core brings, through the door that every plugin uses."""

from __future__ import annotations

from tradewind.model.spec import DagSpec
from tradewind.plugins import Component, Macro, Problem, hookimpl

_OPERATORS = "tradewind.authoring.operators"
_TIMETABLES = "tradewind.timetables"
_TASK = "tradewind.authoring.taskflow:TaskDecorators"


@hookimpl
def tradewind_register_operators() -> list[Component]:
    return [
        Component(
            "BranchPythonOperator", f"{_OPERATORS}.branch:BranchPythonOperator", "chooses what goes on"
        ),
        Component(
            "EmptyOperator", f"{_OPERATORS}.empty:EmptyOperator", "does nothing, and joins what is around it"
        ),
        Component(
            "LatestOnlyOperator", f"{_OPERATORS}.latest_only:LatestOnlyOperator", "skips the rest in old runs"
        ),
        Component("PythonOperator", f"{_OPERATORS}.python:PythonOperator", "calls a function"),
        Component(
            "ShortCircuitOperator",
            f"{_OPERATORS}.short_circuit:ShortCircuitOperator",
            "goes on if it is true",
        ),
    ]


@hookimpl
def tradewind_register_task_decorators() -> list[Component]:
    return [
        Component("branch", f"{_TASK}.branch", "the function returns what goes on"),
        Component("python", f"{_TASK}.python", "what @task itself is"),
        Component(
            "sensor", f"{_OPERATORS}.sensor_task:sensor_task", "the function is called until it returns true"
        ),
        Component(
            "short_circuit",
            f"{_TASK}.short_circuit",
            "the rest goes on if the function returns something true",
        ),
    ]


@hookimpl
def tradewind_register_executors() -> list[Component]:
    return [
        Component(
            "local",
            "tradewind.builtin.local_executor:LocalExecutor",
            "a process for each attempt, on this machine",
        ),
        Component(
            "inline", "tradewind.builtin.inline_executor:InlineExecutor", "in the calling process, for tests"
        ),
    ]


@hookimpl
def tradewind_register_xcom_backends() -> list[Component]:
    return [Component("file", "tradewind.builtin.file_xcom:FileXComBackend", "files in a folder")]


@hookimpl
def tradewind_register_timetables() -> list[Component]:
    return [
        Component(
            "cron_data_interval",
            f"{_TIMETABLES}.interval:CronDataIntervalTimetable",
            "between a cron's times",
        ),
        Component("cron_trigger", f"{_TIMETABLES}.trigger:CronTriggerTimetable", "at a cron's times"),
        Component(
            "multiple_cron_trigger",
            f"{_TIMETABLES}.trigger:MultipleCronTriggerTimetable",
            "at the times of several crons",
        ),
        Component(
            "delta_data_interval",
            f"{_TIMETABLES}.interval:DeltaDataIntervalTimetable",
            "stretches of one length",
        ),
        Component("delta_trigger", f"{_TIMETABLES}.trigger:DeltaTriggerTimetable", "every so often"),
        Component("events", f"{_TIMETABLES}.events:EventsTimetable", "at listed moments"),
        Component("once", f"{_TIMETABLES}.simple:OnceTimetable", "one single time"),
        Component("continuous", f"{_TIMETABLES}.simple:ContinuousTimetable", "one run after the other"),
        Component("null", f"{_TIMETABLES}.simple:NullTimetable", "when somebody asks"),
    ]


@hookimpl
def tradewind_register_macros() -> list[Macro]:
    names = ("datetime_diff_for_humans", "ds_add", "ds_format", "ds_format_locale", "random")
    return [Macro(name, f"tradewind.builtin.macros:{name}") for name in names]


@hookimpl
def tradewind_check_dag(dag: DagSpec) -> list[Problem]:
    from tradewind.builtin.schedules import without_runs
    from tradewind.builtin.unenforced import unenforced

    return [*without_runs(dag), *unenforced(dag)]
