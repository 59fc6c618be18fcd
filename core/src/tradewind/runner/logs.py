"""The log of an attempt as its process writes it: to standard error, line by line, secrets masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TextIO

from tradewind.runner.secrets import Secrets

_FORMAT = "[%(asctime)s] %(levelname)s %(name)s - %(message)s"


class AttemptFormatter(logging.Formatter):
    """``[2026-11-21T06:23:00.123456Z] INFO name - message``, secrets masked, tracebacks too."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)
        self.secrets = Secrets()

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def format(self, record: logging.LogRecord) -> str:
        return self.secrets.mask(super().format(record))


class _ToStandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(AttemptFormatter())

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    def flush(self) -> None:
        sys.stderr.flush()


@cache
def _handler() -> _ToStandardError:
    """Made once, before attempts are forked: each has a process, so each has it for itself."""
    return _ToStandardError()


@contextmanager
def logging_to_attempt(level: str, secrets: Secrets) -> Iterator[None]:
    """Let everything that is logged inside the ``with`` block, warnings too, go to the attempt's log.

    Handlers that the DAG file put on the root logger wait outside, since they would write every line twice.
    """
    root = logging.getLogger()
    before, level_before = root.handlers[:], root.level
    handler = _handler()
    assert isinstance(handler.formatter, AttemptFormatter)
    handler.formatter.secrets = secrets
    root.handlers[:] = [handler]
    if logging.getLevelName(root.level) != level:
        root.setLevel(level)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:], root.level = before, level_before
