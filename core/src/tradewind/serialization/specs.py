"""DAG specs to versioned, canonical JSON and back, and what differs between two of them.

Canonical: keys sorted, fields that have their default left out, moments in UTC. Two specs are equal exactly when their texts
are. Since defaults are left out, changing a default in :mod:`tradewind.model.spec` changes what stored texts
mean: it needs a
new :data:`VERSION` and a step in :func:`decode_spec`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from typing import Any

import msgspec

from tradewind.errors import SerializationError
from tradewind.model.spec import DagSpec, TimetableSpec

VERSION = 1

#: What people call a field, where that is not its name.
_SPOKEN = {"timetable": "schedule"}
#: Lists whose items have a name of their own.
_KEYS = {"tasks": "task_id", "groups": "group_id"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two specs differ.

    :param path: as people would say it: ``tasks.extract.retries``, ``schedule``, ``start_date``. ``tasks``, ``groups`` and
        other named things themselves stand for the names that only one side has (or, the same names, for their order).
    """

    path: str
    old: Any
    new: Any


def encode_spec(spec: DagSpec) -> str:
    """The canonical JSON text of a spec.

    :raises SerializationError: naming the place of a value that is not plain data.
    """
    return _text(_plain(spec, spec.dag_id))


def decode_spec(text: str | bytes) -> DagSpec:
    """Read what :func:`encode_spec` wrote.

    :raises SerializationError: where the text is no spec, or was written by a newer Tradewind.
    """
    try:
        document = msgspec.json.decode(text)
        version = document["version"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise SerializationError(
            f"This is not a stored DAG spec ({error}). Import the DAG file again."
        ) from error
    if version != VERSION:
        raise SerializationError(
            f"A stored DAG spec has version {version!r}, this Tradewind reads version {VERSION}: it was written by "
            f"another release. Upgrade Tradewind here, or import the DAG files again."
        )
    try:
        return msgspec.convert(document["dag"], DagSpec)
    except (msgspec.ValidationError, KeyError) as error:
        raise SerializationError(
            f"A stored DAG spec is damaged ({error}). Import the DAG file again."
        ) from error


def spec_hash(spec: DagSpec, ignoring: frozenset[str] = frozenset()) -> str:
    """SHA-256 (hex) of the canonical text.

    :param ignoring: paths, as in :class:`Difference`, that do not count.
    """
    plain = _plain(spec, spec.dag_id)
    for path in sorted(ignoring):
        _remove(plain, path)
    return hashlib.sha256(_text(plain).encode()).hexdigest()


def differences(old: DagSpec, new: DagSpec) -> list[Difference]:
    """Everything in which two specs differ, sorted by path."""
    return sorted(_compare("", old, new), key=lambda difference: difference.path)


def _text(plain: dict[str, Any]) -> str:
    return msgspec.json.encode({"version": VERSION, "dag": plain}, order="sorted").decode()


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """Name and default of each field; factories are called once, their results are only compared with."""
    return tuple(
        (f.name, f.default_factory() if f.default_factory is not MISSING else f.default) for f in fields(kind)
    )


def _plain(value: Any, path: str) -> Any:
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise SerializationError(
                    f"{path} is {value!r}, which JSON cannot hold. Give a finite number or None."
                )
            return value
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case dict():
            return {_key(key, path): _plain(item, f"{path}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case set() | frozenset():
            return sorted((_plain(item, path) for item in value), key=repr)
    if is_dataclass(value):
        return {
            name: _plain(item, f"{path}.{name}")
            for name, default in _fields(type(value))  # type: ignore[arg-type]  # classes can be hashed
            if (item := getattr(value, name)) is not default and (item != default or default is MISSING)
        }
    raise SerializationError(
        f"{path} is of type {type(value).__qualname__}, which a DAG's stored form cannot hold. "
        f"Give plain data: text, numbers, booleans, None, dates, lists and dicts of these."
    )


def _key(key: Any, path: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str | int | float | bool):
        raise SerializationError(f"{path} has a key of type {type(key).__qualname__}; keys must be text.")
    return str(key)


def _remove(plain: dict[str, Any], path: str) -> None:
    """Drop what stands at ``path``. Ids may hold dots, so names are matched, not split off."""
    for name, value in list(plain.items()):
        spoken = _SPOKEN.get(name, name)
        if path == spoken:
            del plain[name]
        elif path.startswith(spoken + "."):
            rest = path[len(spoken) + 1 :]
            if name == "timetable":
                value = value.get("args", {})
            if name in _KEYS and isinstance(value, list):
                named = {item[_KEYS[name]]: item for item in value}
                _remove(named, rest)
                value[:] = named.values()
            elif isinstance(value, dict):
                _remove(value, rest)


def _compare(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new and type(old) is type(new):
        return
    if type(old) is type(new) and isinstance(old, TimetableSpec) and old.type == new.type:
        yield from _compare(path, old.args, new.args)
    elif type(old) is type(new) and is_dataclass(old) and not isinstance(old, TimetableSpec):
        for name, _ in _fields(type(old)):  # type: ignore[arg-type]  # classes can be hashed
            yield from _compare(_join(path, _SPOKEN.get(name, name)), getattr(old, name), getattr(new, name))
    elif path in _KEYS:
        key = _KEYS[path]
        yield from _compare_named(
            path, {getattr(item, key): item for item in old}, {getattr(item, key): item for item in new}
        )
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_named(path, old, new)
    else:
        yield Difference(path, old, new)


def _compare_named(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    if old.keys() != new.keys():
        yield Difference(path, tuple(k for k in old if k not in new), tuple(k for k in new if k not in old))
    elif path in _KEYS and list(old) != list(new):
        yield Difference(path, tuple(old), tuple(new))
    for name in old.keys() & new.keys():
        yield from _compare(_join(path, name), old[name], new[name])


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
