"""Who has the event loop: written by a worker at every step of a trigger, read by the triggerer, in memory that both share.

Writing it costs a fraction of a microsecond, needs no lock, and works where the worker answers to nothing any more.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

_ID = 36  # a uuid as text
_LAYOUT = struct.Struct(f"=QB{_ID}s")


class Step(NamedTuple):
    """What a worker does: the how-many-th step it is, whose, and whether it imports or makes the trigger."""

    number: int
    wait_id: str
    loading: bool


class Board:
    """Made before the fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._number = 0

    def enter(self, wait_id: bytes, *, loading: bool = False) -> None:
        """A trigger has the loop from now on."""
        self._number += 1
        _LAYOUT.pack_into(self._memory, 0, self._number, loading, wait_id)

    def leave(self) -> None:
        """It gave the loop back."""
        self._number += 1
        _LAYOUT.pack_into(self._memory, 0, self._number, 0, b"")

    def read(self) -> Step:
        """Whoever has the loop now; an empty id: nobody."""
        number, loading, wait_id = _LAYOUT.unpack_from(self._memory, 0)
        return Step(number, wait_id.rstrip(b"\0").decode("ascii", "replace"), bool(loading))

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
