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
            "TriggerDagRunOperator",
            "tradewind_standard.trigger_dagrun:TriggerDagRunOperator",
            "makes a run of another DAG",
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
    ]
