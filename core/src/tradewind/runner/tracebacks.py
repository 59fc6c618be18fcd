"""Tracebacks as the author of a DAG wants to read them: their own code, under the paths they know."""

from __future__ import annotations

import os
import traceback
from types import TracebackType

import tradewind
from tradewind import errors

_OWN = os.path.dirname(os.path.abspath(tradewind.__file__)) + os.sep
MAX_REASON = 500


def user_traceback(error: BaseException, folder: str, original_folder: str) -> str:
    """The traceback without Tradewind's own frames, paths below ``folder`` shown as below ``original_folder``."""
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _cut(shown, set())
    text = "".join(shown.format())
    return (
        text.replace(folder.rstrip(os.sep) + os.sep, original_folder.rstrip(os.sep) + os.sep)
        if folder
        else text
    )


def _cut(shown: traceback.TracebackException, seen: set[int]) -> None:
    if id(shown) in seen:
        return
    seen.add(id(shown))
    kept = [frame for frame in shown.stack if not frame.filename.startswith(_OWN)]
    # an error raised by a part of ours that the author called directly still says where they called it
    if kept:
        shown.stack[:] = kept
    for other in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if other is not None:
            _cut(other, seen)


def last_line_in(error: BaseException, folder: str) -> int | None:
    """The line in the innermost frame whose file is below ``folder``."""
    found: int | None = None
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith(folder):
            found = step.tb_lineno
        step = step.tb_next
    return found


def reason_of(error: BaseException) -> str:
    """The error in one line: ``ValueError: no such city``."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception whose __str__ is broken must not hide that it was raised
        text = "(its message cannot be shown)"
    name = type(error).__name__
    line = f"{name}: {text}" if text else name
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 3] + "..."


def class_names(error: BaseException) -> tuple[str, ...]:
    """Qualified names of its class and the classes that it is derived from, nearest first; at most 20."""
    return errors.class_names(type(error))
