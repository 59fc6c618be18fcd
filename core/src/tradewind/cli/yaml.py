"""Plain values as YAML: blocks for lists and objects, quotes wherever a bare text could be taken for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"})


def to_yaml(value: Any) -> str:
    """The value as a YAML document, with a line break at its end. Values are what JSON has."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{_scalar(str(key))}:", inner)
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            yield from _item(inner)
    else:
        yield _scalar(value)


def _entry(head: str, inner: Any) -> Iterator[str]:
    if isinstance(inner, Mapping | list | tuple) and inner:
        yield head
        yield from ("  " + line for line in _lines(inner))
    else:
        yield f"{head} {_scalar(inner)}"


def _item(inner: Any) -> Iterator[str]:
    lines = _lines(inner)
    yield f"- {next(lines)}"
    yield from ("  " + line for line in lines)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _BARE.match(value) and value.lower() not in _NOT_TEXT:
            return value
        quoted = json.dumps(
            value, ensure_ascii=False
        )  # JSON's escapes are YAML's too, but for surrogate pairs
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
    text = json.dumps(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # without a point YAML reads it as a text
    return text
