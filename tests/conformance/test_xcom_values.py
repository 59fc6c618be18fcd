"""What becomes of a value that one task returns and the next one pulls."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from tradewind.errors import SerializationError
from tradewind.serialization.values import decode, encode


class Color(enum.Enum):
    R = 1


def _pendulum() -> Any:
    import pendulum

    return pendulum.datetime(2024, 1, 1, tz="Europe/Amsterdam")


def _numpy(name: str, value: Any) -> Callable[[], Any]:
    return lambda: getattr(pytest.importorskip("numpy"), name)(value)


VALUES: dict[str, Callable[[], Any]] = {
    "int": lambda: 1,
    "float": lambda: 1.5,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "str": lambda: "é",
    "none_in_list": lambda: [None],
    "tuple": lambda: (1, 2),
    "nested_tuple": lambda: [(1, 2)],
    "set": lambda: {1},
    "frozenset": lambda: frozenset({1}),
    "dict_int_keys": lambda: {1: "a"},
    "dict_nested": lambda: {"a": {"b": (1,)}},
    "datetime_naive": lambda: dt.datetime(2024, 1, 1),
    "datetime_utc": lambda: dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    "pendulum": _pendulum,
    "uuid": lambda: uuid.UUID(int=1),
    "enum": lambda: Color.R,
    "ordereddict": lambda: OrderedDict(a=1),
    "lambda": lambda: lambda: 1,
    "bool": lambda: True,
    "exception": lambda: ValueError("x"),
    "numpy_int": _numpy("int64", 3),
    "numpy_float": _numpy("float64", 1.5),
    "numpy_bool": _numpy("bool_", True),
    "dataframe": lambda: pytest.importorskip("pandas").DataFrame({"a": [1]}),
    "timestamp": lambda: pytest.importorskip("pandas").Timestamp("2024-01-01"),
    # types whose results are not in the measured half that is kept here
    "decimal": lambda: __import__("decimal").Decimal("1.10"),
    "bytes": lambda: b"\x00\xff",
    "date": lambda: dt.date(2024, 1, 1),
    "timedelta": lambda: dt.timedelta(seconds=1),
}


@pytest.mark.facts("xcom_values.json")
def test_value_comes_back_as_it_does_in_airflow(case: dict[str, Any]) -> None:
    value = VALUES[case["value"]]()
    if case["push_task"] == "failed":
        with pytest.raises(SerializationError, match=r"^\$ is "):
            encode(value)
        return
    pulled = decode(encode(value))
    kind = type(pulled)
    assert (f"{kind.__module__}.{kind.__qualname__}", repr(pulled)) == (case["pulled_type"], case["pulled"])
