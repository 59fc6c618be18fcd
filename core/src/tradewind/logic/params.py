"""Whether a value meets a parameter's JSON schema: the part of JSON Schema that a form needs, and no more.

Keywords: ``type``, ``enum``, ``const``, ``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``,
``multipleOf``, ``minLength``, ``maxLength``, ``pattern``, ``format`` (``date``, ``date-time``, ``time``),
``items``, ``minItems``, ``maxItems``, ``uniqueItems``, ``properties``, ``required``,
``additionalProperties``, ``anyOf``.
Others (titles, hints for forms) say nothing about the value and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

from tradewind.errors import DefinitionError
from tradewind.logic.dates import read_moment
from tradewind.model.spec import ParamSpec

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": lambda value: _is_number(value),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, (list, tuple)),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}

_NUMBERS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("is below the minimum", lambda value, bound: value >= bound),
    "maximum": ("is above the maximum", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("is not above", lambda value, bound: value > bound),
    "exclusiveMaximum": ("is not below", lambda value, bound: value < bound),
    "multipleOf": ("is no multiple of", lambda value, bound: value % bound == 0),
}
_LENGTHS: dict[str, tuple[tuple[type[Any], ...], str, Callable[[int, int], bool]]] = {
    "minLength": ((str,), "is shorter than", lambda length, bound: length >= bound),
    "maxLength": ((str,), "is longer than", lambda length, bound: length <= bound),
    "minItems": ((list, tuple), "has fewer items than", lambda length, bound: length >= bound),
    "maxItems": ((list, tuple), "has more items than", lambda length, bound: length <= bound),
}
_FORMATS: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "date-time": read_moment,
    "time": time.fromisoformat,
}


def objection(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why ``value`` does not meet ``schema``, as the end of a sentence; ``None`` where it does."""
    wanted = schema.get("type")
    if wanted is not None:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        if not any(_TYPES.get(name, lambda _: True)(value) for name in names):
            return f"{_shown(value)} is not of type {' or '.join(names)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{_shown(value)} is not one of {', '.join(map(repr, schema['enum']))}"
    if "const" in schema and value != schema["const"]:
        return f"{_shown(value)} is not {schema['const']!r}"
    if "anyOf" in schema and all(objection(value, choice) for choice in schema["anyOf"]):
        return f"{_shown(value)} meets none of its anyOf schemas"
    return (
        _number_objection(value, schema) or _text_objection(value, schema) or _inner_objection(value, schema)
    )


def schema_objection(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a schema itself, as a sentence; ``None`` where no value could trip over it."""
    types = schema.get("type", [])
    for name in [types] if isinstance(types, str) else types:
        if name not in _TYPES:
            return f"there is no type {name!r}; known are {', '.join(_TYPES)}"
    for keyword in schema.keys() & (_NUMBERS.keys() | _LENGTHS.keys()):
        if not _is_number(schema[keyword]) or (keyword == "multipleOf" and not schema[keyword]):
            return f"{keyword} must be a number, not {_shown(schema[keyword])}"
    if not isinstance(schema.get("enum", []), (list, tuple)):
        return f"enum must be a list of the values that are allowed, not {_shown(schema['enum'])}"
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, TypeError) as error:
        return f"the pattern {_shown(schema['pattern'])} is no regular expression ({error})"
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), schema.get("items")]
    found = (schema_objection(part) for part in inner if isinstance(part, Mapping))
    return next((reason for reason in found if reason), None)


def resolve_params(params: Mapping[str, ParamSpec], conf: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run: each given value or default, checked; what else is in ``conf`` is no
    parameter.

    :raises DefinitionError: naming the parameter, the value and what is wrong with it.
    """
    values: dict[str, Any] = {}
    for name, param in params.items():
        if name not in conf and not param.has_default:
            raise DefinitionError(
                f'The run needs a value for the param {name!r}: give it in the conf, as {{"{name}": ...}}.'
            )
        value = conf.get(name, param.default)
        reason = objection(value, param.schema)
        if reason:
            raise DefinitionError(f"The param {name!r} cannot have this value: {reason}.")
        values[name] = value
    return values


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _number_objection(value: Any, schema: Mapping[str, Any]) -> str | None:
    if _is_number(value):
        for keyword, (complaint, holds) in _NUMBERS.items():
            if keyword in schema and not holds(value, schema[keyword]):
                return f"{value!r} {complaint} {schema[keyword]!r}"
    return None


def _text_objection(value: Any, schema: Mapping[str, Any]) -> str | None:
    for keyword, (kinds, complaint, holds) in _LENGTHS.items():
        if not isinstance(value, kinds) or keyword not in schema:
            continue
        if not holds(len(value), schema[keyword]):
            return f"{_shown(value)} {complaint} {schema[keyword]}"
    if not isinstance(value, str):
        return None
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{_shown(value)} does not match the pattern {schema['pattern']!r}"
    parse = _FORMATS.get(schema.get("format", ""))
    if parse:
        try:
            parse(value)
        except ValueError:
            return f"{_shown(value)} is no {schema['format']} in ISO 8601"
    return None


def _inner_objection(value: Any, schema: Mapping[str, Any]) -> str | None:
    if isinstance(value, (list, tuple)):
        if schema.get("uniqueItems") and any(item in value[:place] for place, item in enumerate(value)):
            return f"{_shown(value)} holds an item twice"
        items = schema.get("items")
        found = (objection(item, items) for item in value) if isinstance(items, Mapping) else iter(())
        return next((reason for reason in found if reason), None)
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            return f"{_shown(value)} lacks {', '.join(map(repr, missing))}"
        if schema.get("additionalProperties") is False and set(value) - set(properties):
            return f"{_shown(value)} has the unknown key {min(set(value) - set(properties))!r}"
        found = (objection(value[name], inner) for name, inner in properties.items() if name in value)
        return next((reason for reason in found if reason), None)
    return None
