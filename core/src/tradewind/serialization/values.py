"""Values to typed JSON and back: what an XCom may be, with nothing in it that could run code.

Text, numbers, booleans, ``None``, lists and dicts are themselves. Any other type is an object of two keys,
``{"$type": name, "value": ...}``; a dict with a key ``"$type"`` of its own is written as pairs, so that they
cannot be mixed up. Types match exactly: a value comes back as what it was, or it is refused by name. The
exceptions are those of JSON: keys that are numbers become text, and a subclass of dict becomes a dict.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tradewind.errors import SerializationError
from tradewind.serialization import moments
from tradewind.serialization.refusals import Refusal, refuse, type_name

TAG = "$type"
MAX_DEPTH = 200  #: containers inside containers; beyond it a value is refused
_MAX_INT_BITS = 14_000  #: what Python reads back from text without being asked to (4,300 digits)


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one class are kept. Plugins bring more of these.

    :param name: what stands in the JSON as ``$type``; never changes its meaning.
    :param type_name: ``package.module.Class``, and no subclass; text, so that listing codecs imports nothing.
    :param encode: the value as something that can be encoded in turn.
    :param decode: and back.
    """

    name: str
    type_name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def encode(value: Any, codecs: Iterable[Codec] = ()) -> bytes:
    """The value in typed JSON, UTF-8.

    :param codecs: for types beyond the built-in ones.
    :raises SerializationError: naming the place in the value (``$.rows[3].when``), its type and the cure.
    """
    try:
        return _dump(_Encoder(codecs).any(value))
    except Refusal as refusal:
        raise SerializationError(refusal.message()) from None
    except RecursionError:
        raise SerializationError(
            "$ is nested too deeply to be kept: flatten it, or write it to a file and return its path."
        ) from None


def decode(data: bytes, codecs: Iterable[Codec] = ()) -> Any:
    """The value that :func:`encode` was given.

    :raises SerializationError: where the bytes are not typed JSON, or name a type that is not known here.
    """
    try:
        if b'"' + TAG.encode() + b'"' not in data:
            return json.loads(data)
        return json.loads(data, object_hook=_Decoder(codecs).object)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"This is no value that Tradewind wrote: {error}.") from None


def length_of(value: Any) -> int | None:
    """How many instances a task mapped over the value would have; ``None`` where it cannot be mapped over."""
    if isinstance(value, (list, tuple, dict)) or getattr(value, "kept_as_list", False):
        return len(value)
    return None


def _dump(plain: Any) -> bytes:
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate, as in the name of a file that is not UTF-8
        return json.dumps(plain, allow_nan=False, check_circular=False, separators=(",", ":")).encode()


class _Encoder:
    """Turns one value into what :mod:`json` writes. Made for a single value, thrown away after a refusal."""

    def __init__(self, codecs: Iterable[Codec]) -> None:
        self._codecs = {codec.type_name: codec for codec in codecs}
        self._open: list[int] = []  # ids of the containers that we are inside of

    def any(self, value: Any) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return _int(value)
        if kind is float:
            return _float(value)
        if kind is list:
            return self._items(value)
        if kind is dict:
            return self._dict(value)
        return self._tagged(kind, value)

    def _tagged(self, kind: type, value: Any) -> Any:
        collection = _COLLECTIONS.get(kind)
        if collection:
            return {TAG: collection, "value": self._items(value)}
        simple = _SIMPLE.get(kind)
        if simple:
            return {TAG: simple.name, "value": simple.encode(value)}
        name = type_name(kind)
        codec = self._codecs.get(name) or _LAZY.get(name)
        if codec:
            return {TAG: codec.name, "value": self.any(codec.encode(value))}
        if "numpy" in sys.modules and kind.__module__ == "numpy":
            from tradewind.serialization import arrays

            return {TAG: f"numpy.{kind.__name__}", "value": _finite(arrays.encode_scalar(value))}
        if isinstance(value, dict):
            return self._dict(value)
        if getattr(kind, "kept_as_list", False):  # a list whose items are made when they are looked at
            return self._items(list(value))
        raise refuse(value)

    def _items(self, value: Iterable[Any]) -> list[Any]:
        self._enter(value)
        found: list[Any] = []
        try:
            found.extend(self.any(item) for item in value)
        except Refusal as refusal:
            refusal.path.append(f"[{len(found)}]" if isinstance(value, (list, tuple)) else "{...}")
            raise
        self._open.pop()
        return found

    def _dict(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        self._enter(value)
        found: dict[str, Any] = {}
        key: Any = None
        try:
            for key, item in value.items():
                name = key if type(key) is str else _key(key)
                if name in found:
                    raise Refusal(f"is there twice, as {name!r} and as {key!r}: keys become text")
                found[name] = self.any(item)
        except Refusal as refusal:
            refusal.path.append(f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]")
            raise
        self._open.pop()
        return (
            {TAG: "dict", "value": [[name, item] for name, item in found.items()]} if TAG in found else found
        )

    def _enter(self, container: object) -> None:
        self._open.append(id(container))
        if len(self._open) > MAX_DEPTH:
            if len(set(self._open)) < len(self._open):
                raise Refusal("contains itself, so it has no end: return a value without such a circle")
            raise Refusal(
                f"is nested deeper than {MAX_DEPTH} levels: flatten it, or return the path of a file with it"
            )


def _int(value: int) -> int:
    if value.bit_length() > _MAX_INT_BITS:
        raise Refusal("is a number of more than 4,000 digits: return str(x) or hex(x)")
    return value


def _float(value: float) -> float:
    if not math.isfinite(value):
        raise Refusal(f"is {value}, which JSON has no number for: return None or text in its place")
    return value


def _finite(value: Any) -> Any:
    return _float(value) if isinstance(value, float) else value


def _key(key: object) -> str:
    if key is None or type(key) in (int, float, bool):
        return str(key)
    if type(key).__module__ == "numpy" and hasattr(key, "item"):
        return str(key.item())
    raise Refusal(f"is a key of type {type_name(type(key))}; keys are text: use str(key)")


class _Decoder:
    """Turns tagged objects back into values, innermost first."""

    def __init__(self, codecs: Iterable[Codec]) -> None:
        self._codecs = {codec.name: codec for codec in codecs}

    def object(self, found: dict[str, Any]) -> Any:
        tag = found.get(TAG)
        if tag is None:
            return found
        value = found.get("value")
        try:
            return self._value(tag, value)
        except SerializationError:
            raise
        except Exception as error:
            raise SerializationError(f"A value of type {tag!r} cannot be read back: {error}.") from error

    def _value(self, tag: str, value: Any) -> Any:
        codec = self._codecs.get(tag) or _DECODERS.get(tag)
        if codec:
            return codec.decode(value)
        if tag in _MAKERS:
            return _MAKERS[tag](value)
        if tag.startswith("numpy."):
            from tradewind.serialization import arrays

            return arrays.decode_scalar(tag.removeprefix("numpy."), value)
        raise SerializationError(
            f"A value has the type {tag!r}, which is not known here: install the plugin that brings it."
        )


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _later(call: str) -> Callable[[Any], Any]:
    """A function of :mod:`tradewind.serialization.arrays`, which imports numpy and pandas, on first use."""

    def later(value: Any) -> Any:
        from tradewind.serialization import arrays

        return getattr(arrays, call)(value)

    return later


_COLLECTIONS: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
_MAKERS: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset, "dict": dict}

#: types of the standard library whose encoded form is plain JSON already
_SIMPLE: dict[type, Codec] = {
    datetime: Codec("datetime", "datetime.datetime", moments.encode_datetime, moments.decode_datetime),
    date: Codec("date", "datetime.date", date.isoformat, date.fromisoformat),
    time: Codec("time", "datetime.time", moments.encode_time, time.fromisoformat),
    timedelta: Codec(
        "timedelta",
        "datetime.timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda parts: timedelta(*parts),
    ),
    Decimal: Codec("decimal", "decimal.Decimal", str, Decimal),
    UUID: Codec("uuid", "uuid.UUID", str, UUID),
    bytes: Codec("bytes", "builtins.bytes", lambda value: base64.b64encode(value).decode(), _from_base64),
}

#: types of packages that may not be there: a value of one of them means that its package is imported already
_LAZY: dict[str, Codec] = {
    type_name: Codec(name, type_name, encoder, decoder)
    for type_name, name, encoder, decoder in (
        ("pendulum.datetime.DateTime", "pendulum.DateTime", moments.encode_datetime, moments.decode_pendulum),
        ("pendulum.date.Date", "pendulum.Date", date.isoformat, moments.decode_pendulum_date),
        ("numpy.ndarray", "numpy.ndarray", _later("encode_array"), _later("decode_array")),
        ("pandas.DataFrame", "pandas.DataFrame", _later("encode_frame"), _later("decode_frame")),
        ("pandas.Series", "pandas.Series", _later("encode_series"), _later("decode_series")),
        # where they were up to pandas 2
        ("pandas.core.frame.DataFrame", "pandas.DataFrame", _later("encode_frame"), _later("decode_frame")),
        ("pandas.core.series.Series", "pandas.Series", _later("encode_series"), _later("decode_series")),
    )
}

_DECODERS: dict[str, Codec] = {codec.name: codec for codec in (*_SIMPLE.values(), *_LAZY.values())}
