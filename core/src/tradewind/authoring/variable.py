"""Variables: texts kept by the system under a name, for DAG files and tasks."""

from __future__ import annotations

import json
from typing import Any

from tradewind.errors import DefinitionError, NotFound
from tradewind.ports import runtime

_NOTHING = object()


class VariableNotFound(NotFound, KeyError):
    """There is no variable of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class Variable:
    """Reads and writes variables wherever the author's code runs."""

    @staticmethod
    def get(
        key: str, default: Any = _NOTHING, deserialize_json: bool = False, *, default_var: Any = _NOTHING
    ) -> Any:
        """The variable's text, or what its JSON says.

        :param default: what to return where there is no such variable; as it is, without reading JSON.
        :param default_var: the older name of ``default``.
        :raises VariableNotFound: a KeyError, where there is no such variable and no default.
        """
        text = runtime.current().variable(key)
        if text is None:
            default = default_var if default is _NOTHING else default
            if default is not _NOTHING:
                return default
            raise VariableNotFound(
                "variable",
                key,
                cure=f"Set it with `tradewind variables set {key} VALUE`, "
                f"set {runtime.VARIABLE_PREFIX}{key.upper()} in the environment, "
                f"or pass default=... to Variable.get().",
            )
        if not deserialize_json:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise DefinitionError(
                f"The variable {key!r} was to be read as JSON, but is none ({error}). "
                f"Correct it with `tradewind variables set`, or read it without deserialize_json."
            ) from None

    @staticmethod
    def set(key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        """Make the variable, or give it a new value."""
        text = json.dumps(value, indent=2) if serialize_json else str(value)
        runtime.current().set_variable(key, text, description)

    @staticmethod
    def delete(key: str) -> bool:
        """Remove the variable; whether there was one."""
        return runtime.current().delete_variable(key)
