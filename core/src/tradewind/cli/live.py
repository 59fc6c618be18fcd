"""The live view of a run on a terminal, drawn by rich: a line a task, and a bar over the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tradewind.app.progress import Progress, RunBegan, RunChanged, TaskChanged, Watcher
from tradewind.cli.output import sanitized
from tradewind.cli.progress import has_ended, sign_of, spoken_span, terminal_speaks_unicode

_STYLES = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "yellow",
    "skipped": "magenta",
    "running": "cyan",
    "up_for_retry": "yellow",
    "up_for_reschedule": "cyan",
    "deferred": "cyan",
    "restarting": "cyan",
}
_AROUND = 4  #: lines of the terminal that are not for tasks


@contextmanager
def live_view(stream: TextIO, *, colour: bool) -> Iterator[Watcher]:
    """A watcher that redraws the view."""
    console = Console(file=stream, no_color=not colour, highlight=False, emoji=False, markup=False)
    view = RunView(unicode=terminal_speaks_unicode(stream))
    with Live(view, console=console, refresh_per_second=12, redirect_stdout=False, redirect_stderr=True):
        yield view


class _Line:
    """What is known of a task."""

    __slots__ = ("began", "changed", "ended", "state", "tries")

    def __init__(self) -> None:
        self.state: str | None = None
        self.tries = 0
        self.began: datetime | None = None
        self.ended: datetime | None = None
        self.changed = 0  #: which change of the run was its last: those at work come first


class RunView:
    """Takes in progress, and draws itself whenever rich asks."""

    def __init__(self, *, unicode: bool) -> None:
        self._unicode = unicode
        self._title = ""
        self._state = ""
        self._tasks: dict[str, _Line] = {}
        self._changes = 0
        self._done = 0

    def __call__(self, progress: Progress) -> None:
        """Take it in."""
        match progress:
            case RunBegan():
                note = f"  ({progress.note})" if progress.note else ""
                self._title = f"{progress.dag_id}  {progress.run_id}{note}"
                for task_id in progress.task_ids:
                    self._tasks.setdefault(task_id, _Line())
            case TaskChanged():
                self._change(progress)
            case RunChanged():
                self._state = progress.state

    def _change(self, it: TaskChanged) -> None:
        if it.task_id.endswith("]"):
            self._tasks.pop(it.task_id.partition("[")[0], None)  # its instances stand for a mapped task
        line = self._tasks.setdefault(it.task_id, _Line())
        self._done += has_ended(it.state) - has_ended(line.state)
        if it.state == "running" or it.try_number != line.tries:
            line.began, line.ended = it.at if it.state == "running" else None, None
        if has_ended(it.state):
            line.ended = it.at
        self._changes += 1
        line.state, line.tries, line.changed = it.state, it.try_number, self._changes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, console.size.height
        if self._title:
            yield Text(f"{sanitized(self._title)}  {self._state}", overflow="ellipsis", no_wrap=True)
        yield self._table(max(1, height - _AROUND))
        yield self._bar(width)

    def _table(self, room: int) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1, min_width=8)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True)
        shown = self._most_telling(room)
        for task_id in shown:
            line = self._tasks[task_id]
            style = _STYLES.get(line.state or "", "bright_black")
            table.add_row(
                Text(sign_of(line.state, self._unicode), style=style),
                Text(sanitized(task_id)),
                Text(line.state or "waits", style=style),
                Text(_span(line)),
                Text(f"try {line.tries}" if line.tries > 1 else ""),
            )
        hidden = len(self._tasks) - len(shown)
        if hidden:
            table.add_row("", Text(f"and {hidden} more", style="bright_black"), "", "", "")
        return table

    def _most_telling(self, room: int) -> list[str]:
        """The tasks to show, in the order of the file; where there is no room for all, failed ones and those at work."""
        if len(self._tasks) <= room:
            return list(self._tasks)

        def rank(task_id: str) -> tuple[int, int]:
            line = self._tasks[task_id]
            at_work = line.state is not None and not has_ended(line.state)
            return (0 if line.state == "failed" else 1 if at_work else 2, -line.changed)

        chosen = set(sorted(self._tasks, key=rank)[: room - 1])
        return [task_id for task_id in self._tasks if task_id in chosen]

    def _bar(self, width: int) -> Table:
        total = max(1, len(self._tasks))
        failed = any(line.state == "failed" for line in self._tasks.values())
        grid = Table.grid(padding=(0, 1))
        grid.add_column()
        grid.add_column(no_wrap=True)
        colour = "red" if failed else "green"
        bar = ProgressBar(
            total=total,
            completed=self._done,
            width=max(8, min(40, width - 16)),
            complete_style=colour,
            finished_style=colour,
        )
        grid.add_row(bar, Text(f"{self._done}/{len(self._tasks)}"))
        return grid


def _span(line: _Line) -> str:
    if line.began is None or line.ended is None:
        return ""
    return spoken_span((line.ended - line.began).total_seconds())
