"""What triggers log goes into the log of the task that waits, secrets masked."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradewind.agent.protocol import Watch

_FORMAT = "[%(asctime)s] %(levelname)s %(name)s - %(message)s"

#: the wait on whose behalf code runs
current_watch: ContextVar[Watch | None] = ContextVar("tradewind_trigger_watch", default=None)


class TaskLogs(logging.Handler):
    """Appends to the log of the task whose trigger runs; what nobody's trigger logs goes to standard error.

    :param secrets: masks what must not be shown.
    """

    def __init__(self, folder: str, secrets: Any) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._secrets = secrets
        self.setFormatter(_Formatter(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        text = self._secrets.mask(self.format(record)) + "\n"
        watch = current_watch.get()
        if watch is None or not watch.log_path:
            sys.stderr.write(text)
            return
        path = self._folder / watch.log_path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(text)  # thousands of triggers share the process, so none keeps a file open
        except OSError:
            sys.stderr.write(text)  # a log that cannot be written to is no reason to fail the task


class _Formatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
