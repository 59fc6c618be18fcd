"""``tradewind.toml``, read into entries that know their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.errors import ConfigError

_HEADER = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"""\s*(?P<name>[A-Za-z0-9_."' -]+?)\s*=""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting in the file. ``place`` is ``file:line``."""

    section: str
    key: str
    value: Any
    place: str


def read_toml(path: Path) -> list[Entry]:
    """All entries of the file; none where there is no file.

    :raises ConfigError: where it cannot be read, or is not TOML.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}). Give this user the right to read it, or remove it."
        ) from error
    text = _decode(path, content)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+)", str(error))
        where = f"{path}:{line.group(1)}" if line else f"{path}"
        raise ConfigError(
            f"{where}: this is not TOML: {error}. A setting is written as  key = value  below its [section]; "
            f"text stands in double quotes."
        ) from None
    return list(_entries(path, text, document))


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8. Save the file as UTF-8.") from None


def _entries(path: Path, text: str, document: dict[str, Any]) -> Iterator[Entry]:
    lines = _lines(text)
    for section, values in document.items():
        if not isinstance(values, dict):
            raise ConfigError(
                f"{path}:{lines.get(section, 1)}: the setting {section!r} stands outside of a section. Write "
                f"it below its section, such as [core]."
            )
        for key, value in values.items():
            name = f"{section}.{key}"
            yield Entry(section, key, value, f"{path}:{lines.get(name, lines.get(section, 1))}")


def _lines(text: str) -> dict[str, int]:
    """Line numbers by dotted name. The parser gives none; where a name is spelt oddly, its section's line has
    to do.
    """
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            section = _plain(header["name"])
            found.setdefault(section, number)
        elif key:
            name = _plain(key["name"])
            found.setdefault(f"{section}.{name}" if section else name, number)
            if not section:
                found.setdefault(name.split(".")[0], number)
    return found


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
