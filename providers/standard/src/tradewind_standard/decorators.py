"""``@task.bash``; ``@task.virtualenv`` and ``@task.external_python``, and the two as branches."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tradewind.authoring import DecoratedOperator, make_task_decorator
from tradewind.authoring.decorated import TaskDecorator
from tradewind.errors import DefinitionError
from tradewind_standard.bash import BashOperator
from tradewind_standard.virtualenv import (
    BranchExternalPythonOperator,
    BranchPythonVirtualenvOperator,
    ExternalPythonOperator,
    PythonVirtualenvOperator,
)


class BashTask(DecoratedOperator, BashOperator):
    """Runs the command that the function returns; templates in it are rendered."""

    template_fields = (*DecoratedOperator.template_fields, *BashOperator.template_fields)
    custom_operator_name = "@task.bash"

    def __init__(self, **arguments: Any) -> None:
        if "bash_command" in arguments:
            raise DefinitionError("@task.bash takes no bash_command: the function returns it.")
        super().__init__(kwargs_to_upstream={"bash_command": ""}, **arguments)

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        self.bash_command = self.call(context)
        if not isinstance(self.bash_command, str) or not self.bash_command.strip():
            raise DefinitionError(
                f"{self.python_callable.__name__}() under @task.bash must return a command as text, "
                f"not {self.bash_command!r:.80}.",
                str(self.place),
            )
        # The other fields are rendered already, and what they hold now is nobody's template.
        fields, self.template_fields = self.template_fields, ("bash_command",)
        try:
            self.render_template_fields(context)
        finally:
            self.template_fields = fields
        return super().execute(context)


class VirtualenvTask(DecoratedOperator, PythonVirtualenvOperator):
    """Runs the function in an environment made for it."""

    template_fields = PythonVirtualenvOperator.template_fields
    custom_operator_name = "@task.virtualenv"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(kwargs_to_upstream=_call(arguments), **arguments)


class ExternalPythonTask(DecoratedOperator, ExternalPythonOperator):
    """Runs the function with another Python."""

    template_fields = ExternalPythonOperator.template_fields
    custom_operator_name = "@task.external_python"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(kwargs_to_upstream=_call(arguments), **arguments)


class BranchVirtualenvTask(DecoratedOperator, BranchPythonVirtualenvOperator):
    """Runs the function in an environment made for it, and follows what it returns."""

    template_fields = BranchPythonVirtualenvOperator.template_fields
    custom_operator_name = "@task.branch_virtualenv"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(kwargs_to_upstream=_call(arguments), **arguments)


class BranchExternalPythonTask(DecoratedOperator, BranchExternalPythonOperator):
    """Runs the function with another Python, and follows what it returns."""

    template_fields = BranchExternalPythonOperator.template_fields
    custom_operator_name = "@task.branch_external_python"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(kwargs_to_upstream=_call(arguments), **arguments)


def _call(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the operator behind the decorator wants to know of the call as well."""
    return {name: arguments.get(name) for name in ("python_callable", "op_args", "op_kwargs")}


bash_task: TaskDecorator = make_task_decorator(BashTask)
virtualenv_task: TaskDecorator = make_task_decorator(VirtualenvTask)
external_python_task: TaskDecorator = make_task_decorator(ExternalPythonTask)
branch_virtualenv_task: TaskDecorator = make_task_decorator(BranchVirtualenvTask)
branch_external_python_task: TaskDecorator = make_task_decorator(BranchExternalPythonTask)
