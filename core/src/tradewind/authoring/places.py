"""Where in the author's files something was written, for messages."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

_OURS = "tradewind.authoring"
#: Under this name a module keeps the DAGs that were finished while it was being imported.
FINISHED_DAGS = "__tradewind_dags__"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def calling_place() -> Place:
    """The innermost line that runs outside of this package: what the author wrote."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)


def importing_namespace() -> dict[str, Any] | None:
    """The namespace of the innermost module outside of this package that is being imported, if any.

    The program itself (``__main__``) is not imported: whatever it holds on to would stay for ever.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and not _is_ours(frame):
            return frame.f_globals if frame.f_globals.get("__name__") != "__main__" else None
        frame = frame.f_back
    return None


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_OURS)
