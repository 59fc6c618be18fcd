"""How a run goes, on stderr: a live list with a bar on a terminal, a line a change elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from tradewind.app.progress import Progress, RunBegan, RunChanged, TaskChanged, Watcher
from tradewind.cli.output import sanitized

if TYPE_CHECKING:
    from tradewind.cli.invocation import Invocation

#: the sign of a state where the terminal has more than ASCII, and where it has not
SIGNS = {
    "success": ("✔", "+"),
    "failed": ("✘", "x"),
    "upstream_failed": ("⊘", "x"),
    "skipped": ("↷", "-"),
    "running": ("▶", ">"),
    "up_for_retry": ("↻", "r"),
    "queued": ("…", "."),
    "scheduled": ("…", "."),
}
_OTHER = ("·", ".")
_ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
#: what a pipe or a file is told of: the states that say something to whoever reads it later
_TOLD = _ENDED | {"running", "up_for_retry", "up_for_reschedule", "deferred", "restarting"}


@contextmanager
def watching(invocation: Invocation) -> Iterator[Watcher]:
    """A watcher that shows what it is told."""
    environ = invocation.environ
    if sys.stderr.isatty() and environ.get("TERM") != "dumb":
        from tradewind.cli.live import live_view

        with live_view(sys.stderr, colour=not environ.get("NO_COLOR")) as watcher:
            yield watcher
    else:
        yield LineWatcher(sys.stderr)


class LineWatcher:
    """Writes a line for each change. A reader that goes away does not disturb the run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def __call__(self, progress: Progress) -> None:
        """Write it."""
        match progress:
            case RunBegan():
                note = f" ({progress.note})" if progress.note else ""
                self._line(f"{progress.dag_id} {progress.run_id}: {len(progress.task_ids)} tasks{note}")
            case TaskChanged():
                if progress.state in _TOLD:
                    tried = f", try {progress.try_number}" if progress.try_number > 1 else ""
                    self._line(
                        _dated(progress.at, f"{progress.task_id} {progress.state}{tried}", progress.reason)
                    )
            case RunChanged():
                self._line(_dated(progress.at, f"run {progress.state}", progress.reason))

    def _line(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            print(sanitized(text), file=self._stream, flush=True)
        except OSError:
            self._stream = None


def _dated(at: datetime, text: str, reason: str) -> str:
    return f"{at.isoformat(timespec='milliseconds')} {text}" + (f": {reason}" if reason else "")


def sign_of(state: str | None, unicode: bool) -> str:
    """One character for a state."""
    return SIGNS.get(state or "", _OTHER)[0 if unicode else 1]


def has_ended(state: str | None) -> bool:
    """Whether a task in this state has come to its end."""
    return state in _ENDED


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds between two moments in ISO 8601."""
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def spoken_span(seconds: float) -> str:
    """A length of time, short."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def terminal_speaks_unicode(stream: TextIO) -> bool:
    """Whether signs beyond ASCII can be written there."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    return encoding.startswith("utf") and os.environ.get("TERM") != "linux"
