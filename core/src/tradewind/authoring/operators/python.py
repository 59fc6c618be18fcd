"""Runs a Python function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, Required, Unpack

from tradewind.authoring.arguments import TaskArguments
from tradewind.authoring.checks import checked, mapping, shown
from tradewind.authoring.operator import BaseOperator
from tradewind.authoring.references import Reference
from tradewind.authoring.signatures import call_in_context
from tradewind.errors import ArgumentError


class PythonArguments(TaskArguments, total=False):
    """What :class:`PythonOperator` takes, for operators that pass it on."""

    task_id: Required[str]
    python_callable: Required[Callable[..., Any]]
    op_args: Sequence[Any] | None
    op_kwargs: Mapping[str, Any] | None
    templates_dict: Mapping[str, Any] | None
    templates_exts: Sequence[str] | None
    show_return_value_in_logs: bool


class PythonOperator(BaseOperator):
    """Calls a Python function; what it returns is the task's output.

    Parameters that are named as in the task's context (``ds``, ``ti``, ``params`` ...) are filled in; a
    function with ``**context`` gets all of it.

    :param op_args: positional arguments; templates and outputs of other tasks may stand in them.
    :param op_kwargs: keyword arguments, likewise.
    :param templates_dict: rendered, and passed as ``templates_dict``.
    :param templates_exts: endings of file names to be read in as templates.
    :param show_return_value_in_logs: whether the log shows what the function returned.
    """

    template_fields: Collection[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {
        "templates_dict": "json",
        "op_args": "py",
        "op_kwargs": "py",
    }
    ui_color = "#ffefeb"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: Mapping[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        show_return_value_in_logs: bool = True,
        task_id: str,
        **arguments: Unpack[TaskArguments],
    ) -> None:
        super().__init__(task_id=task_id, **arguments)
        if not callable(python_callable):
            raise ArgumentError(
                f"{type(self).__name__} {self.task_id!r}: python_callable is a function, "
                f"not {shown(python_callable)}. Pass the function itself, without calling it.",
                str(self.place),
            )
        self.python_callable = python_callable
        self.op_args: Any = op_args if isinstance(op_args, Reference) else tuple(op_args or ())
        self.op_kwargs: Any = (
            op_kwargs
            if isinstance(op_kwargs, Reference)
            else checked(
                mapping, op_kwargs or {}, f"{type(self).__name__} {self.task_id!r}: op_kwargs", self.place
            )
        )
        self.templates_dict = templates_dict
        self.show_return_value_in_logs = show_return_value_in_logs
        if templates_exts:
            self.template_ext = templates_exts

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        return self.call(context)

    def call(self, context: MutableMapping[str, Any]) -> Any:
        """Call the function with its arguments and with what it names of the context."""
        return call_in_context(
            self.python_callable, self.op_args, self.op_kwargs, context, self.templates_dict
        )
