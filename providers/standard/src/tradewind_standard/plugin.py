"""What this package brings."""

from __future__ import annotations

from tradewind.plugins import Component, hookimpl

_SENSORS = (
    ("BashSensor", "bash", "runs a command until it succeeds"),
    ("DateTimeSensor", "timed", "waits for a moment"),
    ("DateTimeSensorAsync", "timed", "waits for a moment, without a slot"),
    ("DayOfWeekSensor", "timed", "waits for a day of the week"),
    ("ExternalTaskMarker", "external_task", "lets clearing go on in another DAG"),
    ("ExternalTaskSensor", "external_task", "waits for another DAG"),
    ("FileSensor", "filesystem", "waits for a file"),
    ("PythonSensor", "python", "calls a function until it returns true"),
    ("TimeDeltaSensor", "timed", "waits for some time after the data interval"),
    ("TimeDeltaSensorAsync", "timed", "the same, without a slot"),
    ("TimeSensor", "timed", "waits for a time of day"),
    ("TimeSensorAsync", "timed", "waits for a time of day, without a slot"),
    ("WaitSensor", "timed", "waits for some time"),
)
_TRIGGERS = (
    ("DateTimeTrigger", "temporal", "a moment"),
    ("ExternalTaskTrigger", "external_task", "runs of another DAG"),
    ("FileTrigger", "file", "a file"),
    ("TimeDeltaTrigger", "temporal", "some time from now on"),
)


@hookimpl
def tradewind_register_operators() -> list[Component]:
    return [
        Component("BashOperator", "tradewind_standard.bash:BashOperator", "runs a shell command"),
        Component(
            "PythonVirtualenvOperator",
            "tradewind_standard.virtualenv:PythonVirtualenvOperator",
            "runs a function in an environment made for it",
        ),
        Component(
            "ExternalPythonOperator",
            "tradewind_standard.virtualenv:ExternalPythonOperator",
            "runs a function with another Python that is installed",
        ),
        Component(
            "BranchPythonVirtualenvOperator",
            "tradewind_standard.virtualenv:BranchPythonVirtualenvOperator",
            "chooses what goes on, in an environment made for it",
        ),
        Component(
            "BranchExternalPythonOperator",
            "tradewind_standard.virtualenv:BranchExternalPythonOperator",
            "chooses what goes on, with another Python",
        ),
        Component(
            "BranchDateTimeOperator",
            "tradewind_standard.branching:BranchDateTimeOperator",
            "chooses by the time of day or the date",
        ),
        Component(
            "BranchDayOfWeekOperator",
            "tradewind_standard.branching:BranchDayOfWeekOperator",
            "chooses by the day of the week",
        ),
        Component("HITLOperator", "tradewind_standard.hitl:HITLOperator", "asks a person to choose"),
        Component("ApprovalOperator", "tradewind_standard.hitl:ApprovalOperator", "asks for approval"),
        Component(
            "HITLBranchOperator",
            "tradewind_standard.hitl:HITLBranchOperator",
            "a person chooses what goes on",
        ),
        Component(
            "HITLEntryOperator",
            "tradewind_standard.hitl:HITLEntryOperator",
            "asks a person to fill in a form",
        ),
        *(
            Component(name, f"tradewind_standard.sensors.{module}:{name}", doc)
            for name, module, doc in _SENSORS
        ),
    ]


@hookimpl
def tradewind_register_triggers() -> list[Component]:
    return [
        Component(name, f"tradewind_standard.triggers.{module}:{name}", doc)
        for name, module, doc in _TRIGGERS
    ]


@hookimpl
def tradewind_register_task_decorators() -> list[Component]:
    return [
        Component(
            "bash", "tradewind_standard.decorators:bash_task", "the function returns the shell command"
        ),
        Component(
            "virtualenv", "tradewind_standard.decorators:virtualenv_task", "in an environment made for it"
        ),
        Component(
            "external_python", "tradewind_standard.decorators:external_python_task", "with another Python"
        ),
        Component(
            "branch_virtualenv",
            "tradewind_standard.decorators:branch_virtualenv_task",
            "chooses what goes on, in an environment made for it",
        ),
        Component(
            "branch_external_python",
            "tradewind_standard.decorators:branch_external_python_task",
            "chooses what goes on, with another Python",
        ),
    ]
