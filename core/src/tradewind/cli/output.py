"""What goes to stdout: the same rows as a table for a person, as JSON or YAML for a program, as plain columns for a pipe."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TextIO

Record = Mapping[str, Any]

_COLOURS = {
    "success": "32",
    "failed": "31",
    "upstream_failed": "33",
    "running": "36",
    "queued": "90",
    "scheduled": "90",
    "skipped": "35",
    "up_for_retry": "33",
    "up_for_reschedule": "36",
    "deferred": "36",
    "restarting": "36",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NARROWEST = 8  #: no column of a table is made narrower


class Printer:
    """Writes results to a stream.

    :param output: ``table``, ``json``, ``yaml`` or ``plain``.
    :param width: columns of the terminal; ``None``: nothing is cut.
    :param colour: whether states are coloured.
    """

    def __init__(
        self, stream: TextIO, output: str = "table", *, width: int | None = None, colour: bool = False
    ) -> None:
        self._stream = stream
        self.output = output
        self._width = width
        self._colour = colour
        self._unicode = (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")

    @property
    def for_people(self) -> bool:
        """Whether a person reads it."""
        return self.output == "table"

    def line(self, text: str = "") -> None:
        """A line as it is."""
        self._stream.write(text + "\n")

    def records(self, records: Sequence[Record], columns: Sequence[str], nothing: str = "") -> None:
        """A list: an array of whole objects in JSON and YAML, the ``columns`` of a table otherwise.

        :param nothing: what a person is told where the list is empty.
        """
        if self.output in ("json", "yaml"):
            self.value(list(records))
        elif not records and self.for_people:
            self.line(nothing or "There are none.")
        else:
            self._rows(
                [[self._cell(record.get(column)) for column in columns] for record in records], columns
            )

    def record(self, record: Record, leave_out: Sequence[str] = ()) -> None:
        """One object: ``name  value`` lines for a person, without those of ``leave_out``."""
        if self.output in ("json", "yaml"):
            self.value(record)
            return
        shown = {key: value for key, value in record.items() if key not in leave_out}
        width = max(map(len, shown), default=0)
        for key, value in shown.items():
            cell = self._cell(value)
            if self.output == "plain":
                self.line(f"{key}\t{cell}")
            else:
                self.line(f"{key:<{width}}  {self._painted(cell)}".rstrip())

    def value(self, value: Any) -> None:
        """Any value, as JSON (as YAML where that is asked for)."""
        plain = to_plain(value)
        if self.output == "yaml":
            from tradewind.cli.yaml import to_yaml

            self._stream.write(to_yaml(plain))
        else:
            self.line(json.dumps(plain, indent=2, ensure_ascii=not self._unicode))

    def _rows(self, rows: list[list[str]], columns: Sequence[str]) -> None:
        if self.output == "plain":
            for row in [list(columns), *rows]:
                self.line("\t".join(row))
            return
        widths = [max(map(text_width, column)) for column in zip(columns, *rows, strict=True)]
        if self._width is not None:
            widths = _fitted(widths, self._width)
        self.line(
            "  ".join(
                _padded(name, width, self._unicode) for name, width in zip(columns, widths, strict=True)
            ).rstrip()
        )
        for row in rows:
            cells = [
                self._painted(_padded(cell, width, self._unicode))
                for cell, width in zip(row, widths, strict=True)
            ]
            self.line("  ".join(cells).rstrip())

    def _cell(self, value: Any) -> str:
        plain = to_plain(value, seconds=self.for_people)
        if plain is None:
            return ""
        if isinstance(plain, bool):
            return "yes" if plain else "no"
        if isinstance(plain, float):
            return f"{plain:.3f}".rstrip("0").rstrip(".")
        if isinstance(plain, str):
            return sanitized(plain)
        if isinstance(plain, list) and all(isinstance(item, str) for item in plain):
            return sanitized(", ".join(plain))
        return sanitized(json.dumps(plain, ensure_ascii=not self._unicode)) if plain not in ({}, []) else ""

    def _painted(self, cell: str) -> str:
        colour = _COLOURS.get(cell.strip()) if self._colour else None
        return f"\x1b[{colour}m{cell}\x1b[0m" if colour else cell


def to_plain(value: Any, *, seconds: bool = False) -> Any:
    """The value as JSON has it; moments in ISO 8601 with microseconds, UTC.

    :param seconds: moments to the second and with a ``Z``, for people.
    """
    if isinstance(value, datetime):
        if seconds:
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(inner, seconds=seconds) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner, seconds=seconds) for inner in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def sanitized(text: str) -> str:
    """The text on one line, without what would drive a terminal."""
    return _CONTROL.sub(lambda found: " " if found[0] in "\n\t" else ascii(found[0])[1:-1], text)


def text_width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, width: int, unicode: bool = True) -> str:
    """The text, cut to a width, with a sign that it was."""
    if text_width(text) <= width:
        return text
    sign = "…" if unicode else "~"
    kept, used = "", 1
    for letter in text:
        used += text_width(letter)
        if used > width:
            break
        kept += letter
    return kept + sign


def _padded(text: str, width: int, unicode: bool) -> str:
    shown = cut(text, width, unicode)
    return shown + " " * (width - text_width(shown))


def _fitted(widths: list[int], width: int) -> list[int]:
    """Make the widest columns narrower until the table fits, as far as that goes."""
    fitted = [min(one, width) for one in widths]
    while sum(fitted) + 2 * (len(fitted) - 1) > width and max(fitted) > _NARROWEST:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted
