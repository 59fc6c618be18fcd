"""Notices changes below the DAG folder: by the kernel's word where it gives it (inotify), else by being asked to look."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("tradewind.importer")

#: seconds between looks where nothing tells of changes
LOOK_EVERY = 1.0


class Watcher:
    """Watches folders. :attr:`source` can be given to a selector where the kernel tells of changes."""

    def __init__(self) -> None:
        self.source: Any = None
        self._folders: dict[str, int] = {}
        if sys.platform.startswith("linux"):
            try:
                from inotify_simple import INotify  # type: ignore[import-untyped]

                self.source = INotify(nonblocking=True)
            except (ImportError, OSError) as error:
                log.warning(
                    "The kernel does not tell of changed files (%s); they are looked for each second.", error
                )

    def watch(self, folders: Iterable[str]) -> None:
        """Watch these folders, and no others."""
        if self.source is None:
            return
        from inotify_simple import flags

        wanted = set(folders)
        mask = (
            flags.CLOSE_WRITE
            | flags.MOVED_TO
            | flags.MOVED_FROM
            | flags.CREATE
            | flags.DELETE
            | flags.ATTRIB
            | flags.DELETE_SELF
        )
        for folder in set(self._folders) - wanted:
            try:
                self.source.rm_watch(self._folders.pop(folder))
            except OSError:
                pass  # the folder is gone, and its watch with it
        for folder in wanted - set(self._folders):
            try:
                self._folders[folder] = self.source.add_watch(os.fsencode(folder), mask)
            except OSError as error:
                log.warning("Changes in %s are not noticed at once (%s).", folder, error.strerror)

    def changed(self) -> bool:
        """Take what the kernel has told; whether anything was of interest."""
        if self.source is None:
            return True
        events = self.source.read(timeout=0)
        gone = {event.wd for event in events if event.mask & 0x8000}  # IN_IGNORED: the folder is gone
        if gone:
            self._folders = {folder: wd for folder, wd in self._folders.items() if wd not in gone}
        return any(not event.name.endswith((".pyc", "~", ".swp")) for event in events)

    def close(self) -> None:
        """Watch no longer."""
        if self.source is not None:
            self.source.close()
            self.source = None
