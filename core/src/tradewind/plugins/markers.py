"""What marks an extension point and what implements one.

Each point has one of three disciplines, because pluggy's own way of calling (one exception stops all, results without
names) suits only the second:

=======  ======================================================  ============================================
collect  register things, attributed to their plugin             a plugin that raises is recorded and left out
decide   the first answer not ``None`` wins; may be wrapped      an exception goes to the caller
observe  be told what happened                                   an exception is logged and changes nothing
=======  ======================================================  ============================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import pluggy

PROJECT = "tradewind"  #: also the entry-point group
Discipline = Literal["collect", "decide", "observe"]

_Point = TypeVar("_Point", bound=Callable[..., Any])
_DISCIPLINE = "tradewind_discipline"
_specification = pluggy.HookspecMarker(PROJECT)

#: Marks a plugin's function as the implementation of the extension point of the same name.
hookimpl = pluggy.HookimplMarker(PROJECT)


def collects(point: _Point) -> _Point:
    """Mark an extension point that plugins register things at."""
    return _mark(point, "collect")


def decides(point: _Point) -> _Point:
    """Mark an extension point where the first answer wins; the core's own comes last (``trylast``)."""
    return _mark(point, "decide")


def observes(point: _Point) -> _Point:
    """Mark an extension point that is told of something; takes exactly one event."""
    return _mark(point, "observe")


def discipline_of(point: object) -> Discipline | None:
    """The discipline of an extension point; ``None`` for anything else."""
    return getattr(point, _DISCIPLINE, None)


def _mark(point: _Point, discipline: Discipline) -> _Point:
    setattr(point, _DISCIPLINE, discipline)
    return _specification(point, firstresult=discipline == "decide")
