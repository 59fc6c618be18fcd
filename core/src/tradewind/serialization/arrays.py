"""numpy's and pandas' values as plain ones and back, without pickle. Imported with the first such value.

The ``encode_...`` functions give what :mod:`tradewind.serialization.values` can encode in turn.
"""

from __future__ import annotations

import importlib
from typing import Any

from tradewind.serialization.refusals import Refusal, refuse

# Neither package is a dependency of ours, so their types may not be there to be checked against.
np: Any = importlib.import_module("numpy")

_NULLABLE = frozenset(
    {
        "boolean",
        "Float32",
        "Float64",
        *(f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)),
    }
)
_SCALARS = (np.bool_, np.integer, np.floating, np.str_, np.datetime64, np.timedelta64)
_MISSING = "$missing"  #: stands in front of the name of a missing value in a column of objects


def encode_scalar(value: Any) -> Any:
    """A numpy scalar as plain JSON; its type is kept beside it."""
    match value:
        case np.bool_() | np.str_():
            return value.item()
        case np.datetime64() | np.timedelta64():
            return [np.datetime_data(value.dtype)[0], int(value.astype("int64"))]
        case np.longdouble() if np.longdouble is not np.float64:
            raise Refusal("is of type numpy.longdouble, which is not kept as an XCom: return float(x)")
        case np.integer() | np.floating():
            return value.item()
    raise refuse(value)


def decode_scalar(name: str, value: Any) -> Any:
    """The scalar of numpy's type ``name``."""
    kind = getattr(np, name, None)
    if not (isinstance(kind, type) and issubclass(kind, _SCALARS)):
        raise ValueError(f"numpy has no such type of numbers: {name}")
    return kind(value[1], value[0]) if isinstance(value, list) else kind(value)


def encode_array(value: Any) -> dict[str, Any]:
    """An array as its bytes in C order, NaN included."""
    if value.dtype.hasobject or value.dtype.names:
        raise Refusal(f"is an array of dtype {value.dtype}, which is not kept as an XCom: return x.tolist()")
    return {"dtype": value.dtype.str, "shape": list(value.shape), "data": value.tobytes()}


def decode_array(found: dict[str, Any]) -> Any:
    """The array, writable."""
    return np.frombuffer(found["data"], dtype=found["dtype"]).reshape(found["shape"]).copy()


def encode_series(value: Any) -> dict[str, Any]:
    """A pandas Series with its index and name."""
    return {"name": value.name, "index": _encode_index(value.index), "column": _encode_column(value, "$")}


def decode_series(found: dict[str, Any]) -> Any:
    """The Series."""
    pd = _pandas()

    index = _decode_index(found["index"])
    return pd.Series(_decode_column(found["column"]).array, index=index, name=found["name"])


def encode_frame(value: Any) -> dict[str, Any]:
    """A pandas DataFrame, column by column."""
    return {
        "index": _encode_index(value.index),
        "names": _encode_index(value.columns),
        "columns": [_encode_column(value.iloc[:, n], label) for n, label in enumerate(value.columns)],
    }


def decode_frame(found: dict[str, Any]) -> Any:
    """The DataFrame."""
    pd = _pandas()

    index = _decode_index(found["index"])
    columns = {n: _decode_column(column).set_axis(index) for n, column in enumerate(found["columns"])}
    frame = pd.DataFrame(columns, index=index, copy=False)
    return frame.set_axis(_decode_index(found["names"]), axis=1)


def _encode_index(index: Any) -> dict[str, Any]:
    pd = _pandas()

    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": index.name}
    if isinstance(index, pd.MultiIndex):
        levels = [
            _encode_column(index.get_level_values(n).to_series(), "index") for n in range(index.nlevels)
        ]
        return {"levels": levels, "names": list(index.names)}
    frequency = getattr(index, "freqstr", None)
    return {"column": _encode_column(index.to_series(), "index"), "name": index.name, "freq": frequency}


def _decode_index(found: dict[str, Any]) -> Any:
    pd = _pandas()

    if "range" in found:
        return pd.RangeIndex(*found["range"], name=found["name"])
    if "levels" in found:
        return pd.MultiIndex.from_arrays(
            [_decode_column(level) for level in found["levels"]], names=found["names"]
        )
    column = _decode_column(found["column"])
    if found["freq"]:
        return pd.DatetimeIndex(column, name=found["name"], freq=found["freq"])
    return pd.Index(column, name=found["name"])


def _encode_column(series: Any, label: object) -> dict[str, Any]:
    """A column by kind: ``array`` (numpy), ``zoned`` (aware times), ``category``, ``objects`` of a dtype."""
    pd = _pandas()

    dtype = series.dtype
    if isinstance(dtype, np.dtype) and not dtype.hasobject:
        return {"array": series.to_numpy()}
    if isinstance(dtype, pd.DatetimeTZDtype):
        wall = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return {"zoned": wall.to_numpy(), "zone": str(dtype.tz)}
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _encode_index(dtype.categories)
        return {
            "category": series.cat.codes.to_numpy(),
            "categories": categories,
            "ordered": bool(dtype.ordered),
        }
    if not _is_by_name(dtype):
        raise Refusal(
            f"has a column {label!r} of dtype {dtype}, which is not kept as an XCom: convert it, "
            f"or write the table to a file and return its path"
        )
    return {"objects": [_encode_cell(cell) for cell in series.astype(object)], "dtype": _name_of(dtype)}


def _decode_column(found: dict[str, Any]) -> Any:
    pd = _pandas()

    if "array" in found:
        return pd.Series(found["array"], copy=False)
    if "zoned" in found:
        return pd.Series(found["zoned"]).dt.tz_localize("UTC").dt.tz_convert(found["zone"])
    if "category" in found:
        categories = _decode_index(found["categories"])
        return pd.Series(pd.Categorical.from_codes(found["category"], categories, ordered=found["ordered"]))
    return pd.Series([_decode_cell(cell) for cell in found["objects"]], dtype=_dtype_of(found["dtype"]))


def _is_by_name(dtype: Any) -> bool:
    """Whether a column of this dtype can be made again from its cells and the dtype's name."""
    pd = _pandas()

    if dtype == np.dtype(object) or isinstance(dtype, pd.StringDtype):
        return True
    return str(dtype) in _NULLABLE


def _name_of(dtype: Any) -> str:
    pd = _pandas()

    if isinstance(dtype, pd.StringDtype):
        return "string" if dtype.na_value is pd.NA else "str"
    return str(dtype)


def _dtype_of(name: str) -> Any:
    pd = _pandas()

    if name == "str":
        return pd.StringDtype(na_value=np.nan)
    return object if name == "object" else name


def _encode_cell(cell: Any) -> Any:
    """A cell of a column of objects; missing values by name, since JSON has no NaN."""
    pd = _pandas()

    if cell is pd.NA:
        return (_MISSING, "NA")
    if cell is pd.NaT:
        return (_MISSING, "NaT")
    if isinstance(cell, float) and not np.isfinite(cell):
        return (_MISSING, str(float(cell)))
    return cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell


def _decode_cell(cell: Any) -> Any:
    pd = _pandas()

    if isinstance(cell, tuple) and len(cell) == 2 and cell[0] == _MISSING:
        return {"NA": pd.NA, "NaT": pd.NaT}.get(cell[1]) if cell[1][0] == "N" else float(cell[1])
    return cell


def _pandas() -> Any:
    return importlib.import_module("pandas")
