"""A sensor that asks a Python function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any

from tradewind import BaseSensorOperator, PokeReturnValue
from tradewind.authoring.signatures import call_in_context
from tradewind.errors import DefinitionError


class PythonSensor(BaseSensorOperator):
    """Calls a function until it returns something true.

    Parameters that are named as in the task's context (``ds``, ``ti``, ``params`` ...) are filled in.

    :param python_callable: may return a :class:`tradewind.PokeReturnValue`, to give the sensor an output.
    :param op_args: positional arguments, templates.
    :param op_kwargs: keyword arguments, templates.
    :param templates_dict: rendered, and passed as ``templates_dict``.
    """

    template_fields: Collection[str] = ("templates_dict", "op_args", "op_kwargs")

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        if not callable(python_callable):
            raise DefinitionError(
                f"PythonSensor {self.task_id!r}: python_callable is a function, not {python_callable!r:.80}. "
                f"Pass the function itself, without calling it.",
                str(self.place),
            )
        self.python_callable = python_callable
        self.op_args: Any = op_args or ()
        self.op_kwargs: Any = op_kwargs or {}
        self.templates_dict = templates_dict

    def poke(self, context: MutableMapping[str, Any]) -> PokeReturnValue:
        found = call_in_context(
            self.python_callable, self.op_args, self.op_kwargs, context, self.templates_dict
        )
        return found if isinstance(found, PokeReturnValue) else PokeReturnValue(bool(found))
