"""Which files of the DAG folder are to be imported, and fingerprints that tell when one of its files has changed."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field

from tradewind.importing.ignore import IGNORE_FILES, Pattern, is_ignored, parse_ignore_file

_SPEAKS_OF_DAGS = re.compile(rb"dag", re.IGNORECASE)
_SPEAKS_OF_US = re.compile(rb"tradewind|airflow", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one walk through the DAG folder found. All paths are relative, with forward slashes.

    :param files: every ``.py`` file that is not ignored, sorted.
    :param folders: every folder that was entered, ``"."`` first.
    :param outside: links that lead out of the DAG folder → where to.
    :param unlisted: folders that could not be listed: what they hold is not known.
    :param problems: folders and ignore files that could not be read, and why.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = (".",)
    outside: dict[str, str] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def may_hold(self, file: str) -> bool:
        """Whether a file that was not found may be there all the same."""
        return any(folder == "." or file.startswith(folder + "/") for folder in self.unlisted)


def scan(folder: str) -> Scan:
    """Walk through the DAG folder. Links are followed; each real folder and file is entered once, so loops end."""
    return _Walk(folder).run()


def may_hold_dags(content: bytes) -> bool:
    """A cheap look at the text: a DAG file mentions ``dag``, and ``tradewind`` or ``airflow``."""
    return _SPEAKS_OF_DAGS.search(content) is not None and _SPEAKS_OF_US.search(content) is not None


def fingerprint(path: str) -> str:
    """Changes whenever the file changes, or the names in the folder do; empty where there is nothing.

    Of a folder, names that come and go by themselves (hidden ones, byte code) do not count.
    """
    try:
        found = os.stat(path)
        if not os.path.isdir(path):
            return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
        names = sorted(name for name in os.listdir(path) if not _is_private(name))
    except (OSError, ValueError):
        return ""
    return "names:" + hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()


def _is_private(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


class _Walk:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._real = os.path.realpath(folder)
        self._entered: set[str] = set()
        self._real_files: set[str] = set()
        self._linked_files: list[tuple[str, str]] = []
        self._files: list[str] = []
        self._folders: list[str] = []
        self._outside: dict[str, str] = {}
        self._unlisted: list[str] = []
        self._problems: list[str] = []

    def run(self) -> Scan:
        # Links come after everything that is really there, so that a file goes by its own name where it has one.
        waiting: list[tuple[str, tuple[Pattern, ...]]] = [(".", ())]
        links: list[tuple[str, tuple[Pattern, ...]]] = []
        while waiting or links:
            relative, patterns = waiting.pop() if waiting else links.pop(0)
            self._enter(relative, patterns, waiting, links)
        for relative, real in sorted(self._linked_files):
            if real not in self._real_files:
                self._real_files.add(real)
                self._files.append(relative)
        return Scan(
            tuple(sorted(self._files)),
            tuple(self._folders),
            self._outside,
            tuple(self._unlisted),
            tuple(self._problems),
        )

    def _enter(
        self,
        relative: str,
        patterns: tuple[Pattern, ...],
        waiting: list[tuple[str, tuple[Pattern, ...]]],
        links: list[tuple[str, tuple[Pattern, ...]]],
    ) -> None:
        path = os.path.join(self._folder, relative)
        real = os.path.realpath(path)
        if real in self._entered:
            return
        self._entered.add(real)
        prefix = "" if relative == "." else relative + "/"
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._unlisted.append(relative)
            self._problems.append(f"{relative} cannot be listed: {error.strerror or error}")
            return
        self._folders.append(relative)
        patterns += self._patterns(entries, prefix)
        for entry in entries:
            name = prefix + entry.name
            is_folder = _is_folder(entry)
            if _is_private(entry.name) or not (is_folder or entry.name.endswith(".py")):
                continue
            if is_ignored(name, is_folder, patterns):
                continue
            if entry.is_symlink():
                self._note_outside(name, entry.path)
            if is_folder:
                (links if entry.is_symlink() else waiting).append((name, patterns))
            elif entry.is_symlink():
                if os.path.isfile(entry.path):
                    self._linked_files.append((name, os.path.realpath(entry.path)))
            elif entry.is_file():
                self._real_files.add(os.path.join(real, entry.name))
                self._files.append(name)

    def _patterns(self, entries: list[os.DirEntry[str]], prefix: str) -> tuple[Pattern, ...]:
        found: tuple[Pattern, ...] = ()
        for entry in entries:
            if entry.name in IGNORE_FILES:
                try:
                    with open(entry.path, encoding="utf-8", errors="replace") as file:
                        found += parse_ignore_file(file.read(), prefix)
                except OSError as error:
                    self._problems.append(f"{prefix}{entry.name} cannot be read: {error.strerror or error}")
                except re.error as error:
                    self._problems.append(
                        f"{prefix}{entry.name} holds a pattern that cannot be used: {error}"
                    )
        return found

    def _note_outside(self, name: str, path: str) -> None:
        real = os.path.realpath(path)
        if real != self._real and not real.startswith(self._real + os.sep):
            self._outside[name] = real


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads in a circle
