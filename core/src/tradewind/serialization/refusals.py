"""Why a value cannot be kept, and what to return instead."""

from __future__ import annotations

import dataclasses
import io
import types
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any


class Refusal(Exception):
    """Travels up through the value; each container on the way adds its part of the path."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    def message(self) -> str:
        """``$.rows[3].when is a ...: return ...``; the middle of a long path is left out."""
        parts = self.path[::-1]
        if len(parts) > 12:
            parts = [*parts[:6], "...", *parts[-5:]]
        return f"${''.join(parts)} {self.problem}."


def type_name(kind: type) -> str:
    """``package.module.Class``; just ``Class`` where it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def refuse(value: Any) -> Refusal:
    """The refusal of a value whose type has no codec."""
    return Refusal(f"is of type {type_name(type(value))}, which is not kept as an XCom: {_cure(value)}")


def _cure(value: Any) -> str:
    match value:
        case Enum():
            return "return its .value"
        case BaseException():
            return "raise it, or return str(x)"
        case datetime() if hasattr(value, "to_pydatetime"):
            return "return x.to_pydatetime()"
        case tuple() if hasattr(value, "_asdict"):
            return "return x._asdict() or tuple(x)"
        case PurePath():
            return "return str(x)"
        case io.IOBase():
            return "return the path of the file, or what it contains"
        case types.FunctionType() | types.MethodType() | types.BuiltinFunctionType() | types.CoroutineType():
            return "call it, and return what it returns"
        case bytearray() | memoryview():
            return "return bytes(x)"
        case complex():
            return "return [x.real, x.imag]"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "return dataclasses.asdict(x)"
    if hasattr(value, "model_dump"):
        return "return x.model_dump()"
    for base in (str, int, float, list, set, frozenset, tuple):
        if isinstance(value, base):
            return f"return {base.__name__}(x)"
    if isinstance(value, Iterator) or (isinstance(value, Iterable) and not isinstance(value, type)):
        return "return list(x)"
    return "return numbers, text, lists and dicts made from it, or install a plugin with a codec for it"
