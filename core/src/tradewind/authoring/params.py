"""Parameters that a person may give to a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tradewind.authoring.checks import shown
from tradewind.errors import DefinitionError
from tradewind.logic.params import objection, schema_objection
from tradewind.model.spec import ParamSpec

_NOTHING = object()


class Param:
    """A parameter with a default and a JSON schema: ``Param(5, type="integer", minimum=1)``.

    :param default: the value of a run that is given none; without it, a run must be given a value.
    :param schema: JSON Schema keywords (see :mod:`tradewind.logic.params`).
    """

    def __init__(self, default: Any = _NOTHING, description: str | None = None, **schema: Any) -> None:
        self.has_default = default is not _NOTHING
        self.value = default if self.has_default else None
        self.description = description
        nested = schema.pop("schema", {})
        self.schema: dict[str, Any] = {**nested, **schema}

    def resolve(self, value: Any = _NOTHING) -> Any:
        """The given value, or the default, checked.

        :raises DefinitionError: where it does not meet the schema, or there is neither.
        """
        if value is _NOTHING:
            if not self.has_default:
                raise DefinitionError("The param has no default: it must be given a value.")
            value = self.value
        reason = objection(value, self.schema)
        if reason:
            raise DefinitionError(f"The param cannot have this value: {reason}.")
        return value

    def spec(self, name: str, *, runs_by_itself: bool) -> ParamSpec:
        """The frozen form.

        :param runs_by_itself: the DAG has a schedule, so nobody is there to give what the default does not.
        :raises DefinitionError: where the default can never be right.
        """
        cure = (
            "Give it a default that fits, or schedule=None to have it filled in by whoever triggers the DAG."
        )
        if not self.has_default and runs_by_itself:
            raise DefinitionError(f"The param {name!r} has no default, but the DAG has a schedule. {cure}")
        fault = schema_objection(self.schema)
        if fault:
            raise DefinitionError(f"The schema of the param {name!r} cannot be used: {fault}.")
        default = _as_json(name, self.value)
        reason = objection(default, self.schema) if self.has_default else None
        if reason and (runs_by_itself or default is not None):
            raise DefinitionError(
                f"The default of the param {name!r} does not meet its schema: {reason}. {cure}"
            )
        return ParamSpec(
            default=default,
            has_default=self.has_default,
            schema=dict(self.schema),
            description=self.description,
        )

    def __repr__(self) -> str:
        return f"Param({self.value!r})" if self.has_default else "Param()"


class ParamsDict(MutableMapping[str, Any]):
    """Params by name; reading gives the checked value, :meth:`get_param` the :class:`Param` itself."""

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self._params: dict[str, Param] = {}
        self.update(params.params() if isinstance(params, ParamsDict) else params or {})

    def __getitem__(self, name: str) -> Any:
        return self._params[name].resolve()

    def __setitem__(self, name: str, value: Any) -> None:
        known = self._params.get(name)
        if isinstance(value, Param):
            self._params[name] = value
        elif known is not None:
            self._params[name] = Param(value, known.description, schema=known.schema)
        else:
            self._params[name] = Param(value)

    def __delitem__(self, name: str) -> None:
        del self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __repr__(self) -> str:
        return f"ParamsDict({self._params!r})"

    def get_param(self, name: str) -> Param:
        """The :class:`Param` of that name."""
        return self._params[name]

    def params(self) -> dict[str, Param]:
        """All of them."""
        return dict(self._params)

    def dump(self) -> dict[str, Any]:
        """Names and checked values as a plain dict."""
        return {name: self[name] for name in self}


def _as_json(name: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise DefinitionError(
            f"The default of the param {name!r} must be plain JSON (text, numbers, true, false, null, lists, "
            f"dicts), but {shown(value)} is not: {error}."
        ) from None
