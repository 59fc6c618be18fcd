"""Waiting for a file."""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import AsyncIterator
from typing import Any

from tradewind import BaseTrigger, TriggerEvent


def is_there(path: str, recursive: bool = False) -> bool:
    """Whether a file is there, or a folder with any file below it.

    :param path: may have ``*``, ``?`` and ``[...]`` in it; with ``recursive`` also ``**``.
    """
    for found in glob.iglob(path, recursive=recursive):
        if os.path.isfile(found) or any(files for _, _, files in os.walk(found)):
            return True
    return False


class FileTrigger(BaseTrigger):
    """Fires when a file is there; the event is ``True``.

    :param filepath: see :func:`is_there`.
    :param poke_interval: seconds between looks.
    """

    def __init__(
        self, filepath: str, recursive: bool = False, poke_interval: float = 5.0, **_unused: Any
    ) -> None:
        super().__init__()
        self.filepath = filepath
        self.recursive = recursive
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.FileTrigger", {
            "filepath": self.filepath,
            "recursive": self.recursive,
            "poke_interval": self.poke_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # in a thread: a file system may take its time, and others wait in this loop
        while not await asyncio.to_thread(is_there, self.filepath, self.recursive):
            await asyncio.sleep(self.poke_interval)
        yield TriggerEvent(True)
