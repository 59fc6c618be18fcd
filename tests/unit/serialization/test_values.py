"""Typed JSON: what goes in comes out, and what cannot is refused by name, place and cure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
from collections import namedtuple
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.errors import SerializationError
from tradewind.serialization.values import Codec, decode, encode, length_of

ZONES = st.sampled_from([ZoneInfo("UTC"), ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York"), dt.UTC])
OFFSETS = st.builds(
    dt.timezone, st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(
    dt.datetime(1900, 1, 3), dt.datetime(2100, 1, 1), timezones=st.none() | ZONES | OFFSETS
).filter(
    # Python calls a time in a gap or a fold unequal to the same one in a zone of another class (PEP 495).
    lambda moment: moment.utcoffset() == moment.replace(fold=1 - moment.fold).utcoffset()
)
HASHABLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(max_size=20)
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | MOMENTS
)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["$type", "value"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(VALUES)
def test_every_supported_value_comes_back_equal_and_of_the_same_type(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert _shape(back) == _shape(value)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [_shape(item) for item in value]
    if isinstance(value, dt.datetime):
        return type(value), value.replace(tzinfo=None), value.utcoffset()
    return type(value)


def test_plain_json_is_itself() -> None:
    assert json.loads(encode({"a": [1, 2.5, "é", None, True]})) == {"a": [1, 2.5, "é", None, True]}
    assert encode("é") == '"é"'.encode()


@pytest.mark.parametrize("key", ["$type", "value"])
def test_a_dict_that_looks_like_a_tag_is_still_a_dict(key: str) -> None:
    value = {"$type": "tuple", key: [1, 2], "value": [3]}
    assert decode(encode(value)) == value


@dataclasses.dataclass
class Point:
    x: int = 0


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"rows": [0, 1, 2, {"when": object()}]}, "$.rows[3].when is of type object"),
        (
            {"a b": Point()},
            "$['a b'] is of type test_values.Point, which is not kept as an XCom: return dataclasses",
        ),
        (Pair(1, 2), "return x._asdict() or tuple(x)"),
        ([float("nan")], "$[0] is nan, which JSON has no number for"),
        ({(1, 2): 3}, "$[(1, 2)] is a key of type tuple; keys are text: use str(key)"),
        ({1: 2, "1": 3}, "is there twice, as '1'"),
        (iter([1]), "return list(x)"),
        (range(3), "return list(x)"),
        (Path("x"), "return str(x)"),
        (lambda: 1, "call it, and return what it returns"),
        (10**5000, "is a number of more than 4,000 digits"),
        (np.array([object()]), "return x.tolist()"),
        (
            pd.DataFrame({"p": pd.period_range("2024-01", periods=1, freq="M")}),
            "has a column 'p' of dtype period",
        ),
    ],
    ids=range(13),
)
def test_a_refusal_names_the_place_the_type_and_the_cure(value: Any, message: str) -> None:
    with pytest.raises(SerializationError) as caught:
        encode(value)
    assert message in str(caught.value).replace(f"{__name__}.", "test_values.")


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    with (
        open(tmp_path / "f", "w") as file,
        pytest.raises(SerializationError, match="return the path of the file"),
    ):
        encode(file)


def test_a_value_that_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append({"again": circle})
    with pytest.raises(SerializationError, match="contains itself"):
        encode(circle)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SerializationError, match="nested deeper than 200 levels"):
        encode(deep)


def test_no_object_gets_to_run_code_of_its_own() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("exit 1",)

    with pytest.raises(SerializationError, match="Evil"):
        encode([Evil()])


def test_text_with_a_lone_surrogate_comes_back() -> None:
    assert decode(encode("caf\udce9")) == "caf\udce9"


def test_a_moment_in_the_second_pass_of_a_fold_stays_there() -> None:
    twice = dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"), fold=1)
    back = decode(encode(twice))
    assert (back.fold, back.utcoffset()) == (1, dt.timedelta(hours=1))


def test_pendulum_comes_back_as_pendulum() -> None:
    moment = pendulum.datetime(2024, 10, 27, 2, 30, tz="Europe/Amsterdam")
    assert repr(decode(encode(moment))) == repr(moment)
    assert repr(decode(encode(moment.date()))) == repr(moment.date())


def test_a_zone_that_is_unknown_here_still_tells_the_instant() -> None:
    data = encode(dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))).replace(
        b"Amsterdam", b"Atlantis"
    )
    assert decode(data) == dt.datetime(2023, 12, 31, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "value",
    [
        np.int8(-3),
        np.float32(1.5),
        np.float16(0.5),
        np.str_("a"),
        np.datetime64("2024-01-01"),
        np.timedelta64(3, "h"),
    ],
    ids=repr,
)
def test_numpy_scalars_keep_their_type(value: Any) -> None:
    assert repr(decode(encode(value))) == repr(value)


def test_numpy_arrays_keep_dtype_shape_and_nan() -> None:
    array = np.array([[1, np.nan], [np.inf, 4]], dtype="float32")
    back = decode(encode({"weights": array}))["weights"]
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    back[0, 0] = 7


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"x": [1.5, np.nan], "s": ["a", None], "b": [True, False]}, index=["p", "q"]),
        pd.DataFrame({"t": pd.date_range("2024-01-01", periods=2, tz="Europe/Amsterdam")}),
        pd.DataFrame({"c": pd.Categorical(["a", None], categories=["b", "a"], ordered=True)}),
        pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "s": pd.array(["a", pd.NA], dtype="string")}),
        pd.DataFrame({"o": pd.Series([1, "x", None, np.nan, pd.NaT, pd.NA], dtype=object)}),
        pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])),
        pd.DataFrame({"v": [1, 2]}, index=pd.date_range("2024-01-01", periods=2, name="when")),
        pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]),
        pd.DataFrame({"g": ["p", "q"], "v": [1, 2]}).groupby("g").agg({"v": ["sum", "mean"]}),
    ],
    ids=range(10),
)
def test_data_frames_come_back_as_they_were(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(decode(encode([frame]))[0], frame)


def test_a_series_comes_back_as_it_was() -> None:
    series = pd.Series([1, 2], index=["a", "b"], name="n")
    pd.testing.assert_series_equal(decode(encode(series)), series)


def test_a_plugin_brings_a_codec_for_its_own_type() -> None:
    codec = Codec("point", f"{__name__}.Point", lambda point: (point.x,), lambda parts: Point(*parts))
    data = encode({"at": Point(3)}, [codec])
    assert decode(data, [codec]) == {"at": Point(3)}
    with pytest.raises(SerializationError, match="'point', which is not known here: install the plugin"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"{", b'{"$type":"uuid","value":3}', b'{"$type":"numpy.void","value":3}', b"[" * 100_000],
)
def test_damaged_bytes_are_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(SerializationError):
        decode(data)


def test_length_is_what_mapping_would_expand_to() -> None:
    assert [length_of(value) for value in ([1, 2], (1,), {"a": 1}, "abc", {1}, 3)] == [
        2,
        1,
        1,
        None,
        None,
        None,
    ]


def test_decimals_uuids_and_bytes_are_exact() -> None:
    value = {"price": Decimal("1.10"), "id": UUID(int=1), "raw": b"\x00\xff"}
    assert repr(decode(encode(value))) == repr(value)
