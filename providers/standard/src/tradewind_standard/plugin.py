"""What this package brings."""

from __future__ import annotations

from tradewind.plugins import Component, hookimpl


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
