"""Ignore files: glob patterns, one a line, that keep files below the DAG folder from being imported.

The rules are those of gitignore: ``#`` begins a comment, ``!`` takes a file back in, ``dir/`` stands for folders alone, a
pattern with a slash before its end counts from the ignore file's own folder, ``**`` spans folders, and the last pattern that
fits decides. What lies in an ignored folder is ignored, whatever is said about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

IGNORE_FILES = (".tradewindignore", ".airflowignore")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file.

    :param below: the ignore file's folder, relative to the DAG folder, ``""`` or ending with a slash.
    """

    below: str
    regex: re.Pattern[str]
    negated: bool
    folders_only: bool

    def fits(self, path: str, is_folder: bool) -> bool:
        """Whether the pattern speaks of ``path``, which is relative to the DAG folder."""
        if self.folders_only and not is_folder:
            return False
        return path.startswith(self.below) and self.regex.fullmatch(path[len(self.below) :]) is not None


def parse_ignore_file(text: str, below: str = "") -> tuple[Pattern, ...]:
    """The patterns of an ignore file that lies in ``below``."""
    return tuple(pattern for line in text.splitlines() if (pattern := _parse_line(line, below)) is not None)


def is_ignored(path: str, is_folder: bool, patterns: Iterable[Pattern]) -> bool:
    """Whether a path, none of whose parents is ignored, is.

    :param patterns: of the outermost ignore file first.
    """
    ignored = False
    for pattern in patterns:
        if pattern.negated == ignored and pattern.fits(path, is_folder):
            ignored = not pattern.negated
    return ignored


def _parse_line(line: str, below: str) -> Pattern | None:
    line = line.lstrip("\ufeff").rstrip("\r\n")
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    glob = line[1:] if negated else line
    folders_only = glob.endswith("/")
    glob = glob.rstrip("/")
    if not glob:
        return None
    anchored = "/" in glob
    glob = glob.lstrip("/")
    regex = _translate(glob) if anchored else "(?:.*/)?" + _translate(glob)
    return Pattern(below, re.compile(regex, re.DOTALL), negated, folders_only)


def _translate(glob: str) -> str:
    parts = []
    at = 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/"):
            parts.append("(?:.*/)?")
            at += 3
        elif rest.startswith("**"):
            parts.append(".*")
            at += 2
        elif rest[0] == "*":
            parts.append("[^/]*")
            at += 1
        elif rest[0] == "?":
            parts.append("[^/]")
            at += 1
        elif rest[0] == "[" and (found := re.match(r"\[([!^]?)(\]?[^\]]*)\]", rest)):
            characters = found[2].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
            parts.append(f"[{'^' if found[1] else ''}{characters}]")
            at += found.end()
        elif rest[0] == "\\" and len(rest) > 1:
            parts.append(re.escape(rest[1]))
            at += 2
        else:
            parts.append(re.escape(rest[0]))
            at += 1
    return "".join(parts)
