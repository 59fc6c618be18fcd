"""Variables, connections, params and the context, as code in a DAG file reads them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

import tradewind
from tradewind import BaseHook, Connection, Param, ParamsDict, Variable, get_current_context
from tradewind.errors import DefinitionError, NotFound, Refused
from tradewind.logic.params import objection, resolve_params
from tradewind.model.spec import ParamSpec
from tradewind.ports import runtime


class Kept(runtime.EnvironmentRuntime):
    """A runtime that keeps variables in a dict."""

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__({"TRADEWIND_CONN_DB": "postgres://ada:s3cret@db/shop"})
        self.variables: dict[str, str] = {}
        self._context = context

    def variable(self, key: str) -> str | None:
        return self.variables.get(key)

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        self.variables[key] = value

    def delete_variable(self, key: str) -> bool:
        return self.variables.pop(key, None) is not None

    def context(self) -> Mapping[str, Any] | None:
        return self._context


def test_variables_are_set_read_and_deleted() -> None:
    with runtime.serve(Kept()):
        Variable.set("plain", 7)
        Variable.set("json", {"a": [1]}, serialize_json=True)

        assert Variable.get("plain") == "7"
        assert Variable.get("json", deserialize_json=True) == {"a": [1]}
        assert Variable.get("missing", None) is None
        assert Variable.get("missing", default_var="x", deserialize_json=True) == "x"
        assert Variable.delete("plain")
        assert not Variable.delete("plain")


def test_a_missing_variable_is_a_key_error_that_says_how_to_set_it() -> None:
    with runtime.serve(Kept()), pytest.raises(KeyError) as caught:
        Variable.get("city")

    assert isinstance(caught.value, NotFound)
    assert str(caught.value).startswith(
        "There is no variable 'city'. Set it with `tradewind variables set city"
    )
    assert "TRADEWIND_VAR_CITY" in str(caught.value)


def test_a_variable_that_is_no_json_is_told_without_its_value() -> None:
    kept = Kept()
    kept.variables["secret"] = "hunter2"

    with runtime.serve(kept), pytest.raises(DefinitionError, match="'secret' was to be read as JSON") as told:
        Variable.get("secret", deserialize_json=True)

    assert "hunter2" not in str(told.value)


def test_connections_are_found_by_hooks() -> None:
    with runtime.serve(Kept()):
        assert BaseHook.get_connection("db") == Connection.from_uri("db", "postgres://ada:s3cret@db/shop")
        with pytest.raises(NotFound, match="TRADEWIND_CONN_OTHER"):
            BaseHook.get_connection("other")


def test_the_context_is_there_while_a_task_runs() -> None:
    with runtime.serve(Kept({"ds": "2024-01-01"})):
        assert get_current_context()["ds"] == "2024-01-01"
    with pytest.raises(Refused, match="not at the top level of the file"):
        get_current_context()


@pytest.mark.parametrize(
    ("value", "schema", "reason"),
    [
        (3, {"type": "integer"}, None),
        (3.0, {"type": "integer"}, None),
        (True, {"type": "integer"}, "True is not of type integer"),
        ("3", {"type": "integer"}, "'3' is not of type integer"),
        (None, {"type": ["null", "string"]}, None),
        (7, {"type": ["null", "string"]}, "7 is not of type null or string"),
        (float("nan"), {"type": "number"}, "nan is not of type number"),
        ("c", {"enum": ["a", "b"]}, "'c' is not one of 'a', 'b'"),
        (0, {"minimum": 1}, "0 is below the minimum 1"),
        (9, {"maximum": 5}, "9 is above the maximum 5"),
        (5, {"exclusiveMaximum": 5}, "5 is not below 5"),
        (5, {"multipleOf": 2}, "5 is no multiple of 2"),
        ("ab", {"minLength": 3}, "'ab' is shorter than 3"),
        ("abcd", {"maxLength": 3}, "'abcd' is longer than 3"),
        ("ab", {"pattern": "^x"}, "'ab' does not match the pattern '^x'"),
        ("2024-02-30", {"type": "string", "format": "date"}, "'2024-02-30' is no date in ISO 8601"),
        ("2024-02-29T10:00:00+01:00", {"format": "date-time"}, None),
        ([1, "x"], {"items": {"type": "integer"}}, "'x' is not of type integer"),
        ([1, 1], {"uniqueItems": True}, "[1, 1] holds an item twice"),
        ([], {"minItems": 1}, "[] has fewer items than 1"),
        ({"a": "x"}, {"properties": {"a": {"type": "number"}}}, "'x' is not of type number"),
        ({}, {"required": ["a"]}, "{} lacks 'a'"),
        ({"b": 1}, {"additionalProperties": False}, "{'b': 1} has the unknown key 'b'"),
        (1, {"anyOf": [{"type": "string"}, {"minimum": 2}]}, "1 meets none of its anyOf schemas"),
        ("x", {"title": "A name", "minimum": 3}, None),
    ],
)
def test_a_value_is_held_against_the_schema(value: Any, schema: dict[str, Any], reason: str | None) -> None:
    assert objection(value, schema) == reason


def test_the_params_of_a_run_come_from_its_conf_or_their_defaults() -> None:
    params = {"n": ParamSpec(default=1, schema={"type": "integer"}), "s": ParamSpec(has_default=False)}

    assert resolve_params(params, {"s": "x", "other": 1}) == {"n": 1, "s": "x"}
    with pytest.raises(DefinitionError, match="needs a value for the param 's'"):
        resolve_params(params, {})
    with pytest.raises(DefinitionError, match="The param 'n' cannot have this value: 'x' is not of"):
        resolve_params(params, {"s": 1, "n": "x"})


def test_params_are_checked_when_they_are_read() -> None:
    params = ParamsDict({"n": Param(1, type="integer"), "plain": [1]})
    params["n"] = 5
    again = ParamsDict(params)

    assert again.dump() == {"n": 5, "plain": [1]}
    params["n"] = "x"
    with pytest.raises(DefinitionError, match="not of type integer"):
        params["n"]
    assert again["n"] == 5


def test_everything_public_can_be_imported_and_is_told() -> None:
    for name in tradewind.__all__:
        assert getattr(tradewind, name) is not None
        assert name in dir(tradewind)
    assert sorted(tradewind._HOMES) == sorted(set(tradewind.__all__) - {"__version__"})
    with pytest.raises(AttributeError, match="has no attribute 'Dag'"):
        tradewind.Dag


def test_importing_tradewind_imports_next_to_nothing() -> None:
    program = (
        "import sys, tradewind; first = set(sys.modules); "
        "from tradewind import DAG, task, LatestOnlyOperator; "
        "heavy = {'sqlalchemy', 'jinja2', 'pendulum', 'croniter', 'pluggy', 'asyncio', 'msgspec'}; "
        "print('tradewind.authoring' in first, sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "False []"
