"""Which files below the DAG folder an import rests on: modules that it loaded, files that it read, folders that it listed.

Lives in the importing process alone. It loads modules below the folder from their source, so that what is kept with the
version is what ran (Python's own byte-code cache takes an edit within one second, of the same length, for the old file).
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from types import CodeType
from typing import Any

from tradewind.importing.folder import fingerprint
from tradewind.importing.results import LoadedFile

_INCLUDED = re.compile(r"""\{%[-+]?\s*(?:include|import|from|extends)\s+(['"])(.+?)\1""")


class Closure:
    """Records what an import touches below a folder."""

    def __init__(self, folder: str, max_bytes: int) -> None:
        self.folder = folder
        self._roots = tuple(dict.fromkeys((folder + os.sep, os.path.realpath(folder) + os.sep)))
        self._max_bytes = max_bytes
        self._contents: dict[str, bytes] = {}
        self._read: dict[str, None] = {}
        self._written: set[str] = set()
        self._too_large: dict[str, None] = {}
        self._watching = False
        self._first_module = ""
        self.looked_at: dict[str, str] = {}

    def install(self, first_module: str) -> None:
        """Record from now on, for the rest of the process's life.

        :param first_module: the name of the first module that is made from now on.
        """
        self._first_module = first_module
        loaders = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (self._loader(), SOURCE_SUFFIXES))
        plain_hook = FileFinder.path_hook(*loaders)

        def folder_hook(path: str) -> Any:
            if self.relative(os.path.join(path, "x")) is None:
                raise ImportError(f"{path} is not below the DAG folder")
            return plain_hook(path)

        sys.path_hooks.insert(0, folder_hook)
        for path in list(sys.path_importer_cache):
            if self.relative(os.path.join(path, "x")) is not None:
                del sys.path_importer_cache[path]
        self._watching = True
        sys.addaudithook(self._on_event)

    def relative(self, path: str) -> str | None:
        """``path`` relative to the folder with forward slashes; ``None`` for what is not below it."""
        absolute = os.path.abspath(path)
        for root in self._roots:
            if absolute == root[:-1]:
                return "."
            if absolute.startswith(root):
                return absolute[len(root) :].replace(os.sep, "/")
        return None

    def load(self, path: str) -> bytes:
        """Read a source file and keep what was read."""
        relative = self.relative(path)
        if relative is None:
            with open(path, "rb") as file:
                return file.read()
        seen = fingerprint(path)
        with open(path, "rb") as file:
            content = file.read()
        self._contents[relative] = content
        self.looked_at[relative] = seen
        return content

    def stop(self) -> None:
        """What is opened from now on is opened by us."""
        self._watching = False

    def missing_module(self, name: str) -> None:
        """A module that was not found: its appearance below the folder is worth another import."""
        path = os.path.join(self.folder, *name.split("."))
        for candidate in (path + ".py", path):
            relative = self.relative(candidate)
            if relative is not None and not os.path.exists(candidate):
                self.looked_at.setdefault(relative, "")

    def files(self) -> dict[str, LoadedFile]:
        """Everything that was loaded or read, by path; extension modules included."""
        for name, module in reversed(sys.modules.items()):
            # What was there beforehand is not even looked at: each object that is costs this process a page of its own.
            if name == self._first_module:
                break
            origin = getattr(module, "__file__", None)
            if isinstance(origin, str) and (relative := self.relative(origin)) is not None:
                self._read.setdefault(relative)
        found = {}
        for relative in (*self._contents, *self._read):
            if relative not in found and relative not in self._written:
                content = self._content(relative)
                if content is not None:
                    found[relative] = content
        return {path: self._loaded(path, content) for path, content in found.items()}

    def template_files(self, dag: Any) -> dict[str, LoadedFile]:
        """The files that template fields of a DAG's tasks name, and what these include."""
        own = os.path.dirname(getattr(dag, "fileloc", "") or "")
        searched = getattr(dag, "template_searchpath", None) or ()
        folders = [*([searched] if isinstance(searched, str) else searched), own, self.folder]
        found: dict[str, LoadedFile] = {}
        wanted = [name for task in getattr(dag, "tasks", ()) for name in _named_templates(task)]
        while wanted:
            relative = self._find(wanted.pop(), folders)
            if relative is None or relative in found:
                continue
            self.looked_at.setdefault(relative, fingerprint(os.path.join(self.folder, relative)))
            content = self._content(relative)
            if content is not None:
                found[relative] = self._loaded(relative, content)
                wanted += [match[2] for match in _INCLUDED.finditer(content.decode(errors="replace"))]
        return found

    def warnings(self) -> list[str]:
        """What could not be kept, and why."""
        return [
            f"{path} is larger than {self._max_bytes / 1e6:g} MB and is not kept with the DAG's version: "
            f"read it inside a task, or raise the limit on file size."
            for path in self._too_large
        ]

    def _find(self, name: str, folders: Iterable[str]) -> str | None:
        for folder in folders:
            path = os.path.join(folder, name)
            if folder and os.path.isfile(path):
                return self.relative(path)
        return None

    def _content(self, relative: str) -> bytes | None:
        if relative not in self._contents:
            path = os.path.join(self.folder, relative)
            try:
                # Only plain files have a content to keep; opening a pipe would wait for ever.
                if not os.path.isfile(path):
                    return None
                if os.path.getsize(path) > self._max_bytes:
                    self._too_large[relative] = None
                    return None
                with open(path, "rb") as file:
                    self._contents[relative] = file.read()
            except OSError:
                return None
        return self._contents[relative]

    @staticmethod
    def _loaded(path: str, content: bytes) -> LoadedFile:
        return LoadedFile(path=path, sha256=hashlib.sha256(content).hexdigest(), content=content)

    def _loader(self) -> type[SourceFileLoader]:
        closure = self

        class FolderLoader(SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType | None:
                path = self.get_filename(fullname)
                code: CodeType = self.source_to_code(closure.load(path), path)
                return code

        return FolderLoader

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event == "open":
            self._on_open(*args)
        elif event in ("os.listdir", "os.scandir") and not _is_import_machinery(sys._getframe(1).f_globals):
            self._note(args[0] if args[0] is not None else ".", listed=True)

    def _on_open(self, path: Any, mode: str | None, flags: int) -> None:
        writes = any(sign in mode for sign in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
        self._note(path, written=writes)

    def _note(self, path: Any, written: bool = False, listed: bool = False) -> None:
        if isinstance(path, int):
            return
        try:
            relative = self.relative(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return  # the call that we look at will fail for the same reason, where its author sees it
        if relative is None or "__pycache__" in relative:
            return
        if written:
            self._written.add(relative)
            self.looked_at.pop(relative, None)
        elif relative not in self.looked_at and relative not in self._written:
            self.looked_at[relative] = ""  # first, since to list a folder is itself an event
            self.looked_at[relative] = fingerprint(os.path.join(self.folder, relative))
            if not listed:
                self._read[relative] = None


def _is_import_machinery(namespace: Mapping[str, Any]) -> bool:
    return str(namespace.get("__name__", "")).startswith("importlib.")


def _named_templates(task: Any) -> Iterable[str]:
    endings = getattr(task, "template_ext", None) or ()
    endings = (endings,) if isinstance(endings, str) else tuple(endings)
    if not endings:
        return
    waiting = [getattr(task, name, None) for name in getattr(task, "template_fields", ())]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if value.endswith(endings):
                yield value
        elif isinstance(value, list | tuple | set):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
