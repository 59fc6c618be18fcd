"""The other side: runs a function in an interpreter that knows nothing of Tradewind, arguments and result in typed JSON.

This file is copied beside the function and run as a script there, so it imports the standard library alone, and reads and
writes the format of ``tradewind.serialization.values`` by itself. Python 3.8 understands it.

Called as ``exchange.py FOLDER NAME``: calls ``NAME`` of ``FOLDER/function.py`` with ``FOLDER/arguments.json``, and leaves
``FOLDER/result.json``, or ``FOLDER/error.json`` where the result cannot be told.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import math
import os
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Callable
from uuid import UUID

TAG = "$type"


def decode_datetime(parts: list[Any]) -> datetime:
    """From ``[ISO text, name of the zone or None]`` and perhaps a fold."""
    text, name, *fold = parts
    value = datetime.fromisoformat(text).replace(fold=1 if fold else 0)
    if value.tzinfo is None or name == "UTC":
        return value
    try:
        from zoneinfo import ZoneInfo

        local = value.replace(tzinfo=ZoneInfo(name))
    except (ImportError, LookupError, OSError, TypeError, ValueError):
        return value  # no such zone here: the offset still tells the instant
    return local if local.utcoffset() == value.utcoffset() else value


def encode_datetime(value: datetime) -> list[Any]:
    """To ``[ISO text, name of the zone or None]`` and perhaps a fold."""
    zone = "UTC" if value.tzinfo is timezone.utc else getattr(value.tzinfo, "key", None)
    return [datetime.isoformat(value), zone] + ([1] if value.fold else [])


DECODERS: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "datetime": decode_datetime,
    "pendulum.DateTime": decode_datetime,
    "date": date.fromisoformat,
    "pendulum.Date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": base64.b64decode,
}
ENCODERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    datetime: ("datetime", encode_datetime),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Decimal: ("decimal", str),
    UUID: ("uuid", str),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
}


def decode(text: str) -> Any:
    """The value that typed JSON stands for."""
    return json.loads(text, object_hook=_object)


def encode(value: Any) -> str:
    """A value as typed JSON."""
    return json.dumps(_plain(value, "$"), allow_nan=False)


def _object(found: dict[str, Any]) -> Any:
    tag = found.get(TAG)
    if tag is None:
        return found
    if tag not in DECODERS:
        raise TypeError(
            "an argument holds a value of type %s, which cannot be passed to another Python: "
            "pass it as lists and numbers, or in a file" % tag
        )
    return DECODERS[tag](found["value"])


def _plain(value: Any, where: str) -> Any:
    kind = type(value)
    if value is None or kind in (str, bool, int):
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list:
        return [_plain(item, "%s[%d]" % (where, n)) for n, item in enumerate(value)]
    if kind in (tuple, set, frozenset):
        return {TAG: kind.__name__, "value": [_plain(item, where + "[...]") for item in value]}
    if kind is dict:
        found = {_key(key, where): _plain(item, "%s[%r]" % (where, key)) for key, item in value.items()}
        return {TAG: "dict", "value": list(map(list, found.items()))} if TAG in found else found
    if kind in ENCODERS:
        name, write = ENCODERS[kind]
        return {TAG: name, "value": write(value)}
    raise TypeError(
        "%s is %s of type %s.%s, which cannot be passed back: return text, numbers, lists, dicts or dates"
        % (where, "%.60r" % (value,), kind.__module__, kind.__qualname__)
    )


def _key(key: object, where: str) -> str:
    if key is None or type(key) in (str, int, float, bool):
        return str(key)
    raise TypeError("%s has a key of type %s; keys are text" % (where, type(key).__qualname__))


def main(folder: str, name: str) -> None:
    """Call the function; what it raises comes through, with its traceback."""
    # The function must not find this file, or its neighbours, where it looks for modules of its own.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.path.abspath(folder)]
    with open(os.path.join(folder, "arguments.json"), encoding="utf-8") as file:
        args, kwargs = decode(file.read())
    spec = importlib.util.spec_from_file_location("function", os.path.join(folder, "function.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["function"] = module
    spec.loader.exec_module(module)
    result = getattr(module, name)(*args, **kwargs)
    try:
        path, text = "result.json", encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        path, text = "error.json", json.dumps(str(error))
    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
