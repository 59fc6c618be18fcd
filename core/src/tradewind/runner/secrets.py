"""Keeps secrets that an attempt has fetched out of its log."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from urllib.parse import quote

from tradewind.model.connection import Connection

MASK = "***"
_SHORTEST = 5  #: shorter values stand in ordinary words too
_SECRET_NAME = re.compile(
    r"passw|secret|token|(api|access|private)[_-]?key|authorization|credential|passphrase|keyfile",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name should not be shown."""
    return _SECRET_NAME.search(name) is not None


class Secrets:
    """The secrets that were seen, and text without them. Costs nothing as long as there are none."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: object) -> None:
        """Hide the value from now on: as it is, and as it looks in URIs, JSON and base64."""
        if not isinstance(value, str) or len(value.strip()) < _SHORTEST or value == MASK:
            return
        forms = {
            value,
            quote(value, safe=""),
            json.dumps(value)[1:-1],
            base64.b64encode(value.encode()).decode(),
        }
        forms.update(line for line in value.splitlines() if len(line.strip()) >= _SHORTEST)
        if forms <= self._forms:
            return
        self._forms |= forms
        self._pattern = re.compile("|".join(re.escape(f) for f in sorted(self._forms, key=len, reverse=True)))

    def add_variable(self, key: str, text: str) -> None:
        """Hide a variable whose name sounds secret, or the parts of its JSON whose names do."""
        if is_secret_name(key):
            self.add(text)
        elif text.lstrip().startswith(("{", "[")) and _SECRET_NAME.search(text):
            try:
                self._add_nested("", json.loads(text))
            except ValueError:
                pass

    def add_connection(self, connection: Connection) -> None:
        """Hide a connection's password and what is secret in its ``extra``."""
        self.add(connection.password)
        self._add_nested("", connection.extra_dejson)

    def _add_nested(self, name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._add_nested(name if is_secret_name(name) else str(key), item)
        elif isinstance(value, list):
            for item in value:
                self._add_nested(name, item)
        elif is_secret_name(name):
            self.add(value)

    def mask(self, text: str) -> str:
        """The text with ``***`` in place of every secret."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    @contextmanager
    def hidden_from_output(self) -> Iterator[None]:
        """Mask what is printed inside the ``with`` block."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Masked(before[0], self), _Masked(before[1], self)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


class _Masked:
    """A stream like the one it stands before, with secrets masked in what is written."""

    def __init__(self, stream: TextIO, secrets: Secrets) -> None:
        self._stream = stream
        self._mask = secrets.mask

    def write(self, text: str) -> int:
        self._stream.write(self._mask(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
