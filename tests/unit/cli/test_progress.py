"""What a person who watches a run sees."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from tradewind.app.progress import Progress, RunBegan, RunChanged, TaskChanged
from tradewind.cli.live import RunView
from tradewind.cli.progress import LineWatcher, spoken_span

AT = datetime(2024, 1, 1, 8, tzinfo=UTC)


def story() -> list[Progress]:
    later = AT + timedelta(seconds=1.5)
    return [
        RunBegan("umbrella", "manual__1", ("fetch", "clean", "train")),
        RunChanged("running", AT, "it has a place"),
        TaskChanged("fetch", "scheduled", 1, AT, "it has no upstream tasks"),
        TaskChanged("fetch", "queued", 1, AT, "it has its slot"),
        TaskChanged("fetch", "running", 1, AT, "its process has started"),
        TaskChanged("fetch", "success", 1, later, ""),
        TaskChanged("clean", "running", 2, later, "its process has started"),
        TaskChanged("clean", "failed", 2, later, "ValueError: \x1b[2Jno"),
        TaskChanged("train", "upstream_failed", 0, later, "1 of 1 upstream tasks failed"),
        RunChanged("failed", later, "it ends in tasks that did not succeed: train"),
    ]


def test_where_there_is_no_terminal_each_change_is_a_line() -> None:
    stream = io.StringIO()
    watcher = LineWatcher(stream)
    for progress in story():
        watcher(progress)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "umbrella manual__1: 3 tasks"
    assert "2024-01-01T08:00:01.500+00:00 fetch success" in lines
    assert "2024-01-01T08:00:01.500+00:00 clean failed, try 2: ValueError: \\x1b[2Jno" in lines
    assert not any("scheduled" in line for line in lines)


def test_a_reader_that_goes_away_does_not_disturb_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    watcher = LineWatcher(Gone())
    for progress in story():
        watcher(progress)


def drawn(
    *, width: int = 80, height: int = 24, events: list[Progress] | None = None, unicode: bool = True
) -> str:
    view = RunView(unicode=unicode)
    for progress in story() if events is None else events:
        view(progress)
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None, force_terminal=False)
    console.print(view)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_live_view_has_a_line_a_task_and_a_bar() -> None:
    text = drawn()
    assert "umbrella  manual__1  failed" in text
    fetch, clean, train = (
        next(line for line in text.splitlines() if f" {task} " in line)
        for task in ("fetch", "clean", "train")
    )
    assert "✔" in fetch
    assert "success" in fetch
    assert "1.5 s" in fetch
    assert "✘" in clean
    assert "try 2" in clean
    assert "upstream_failed" in train
    assert text.rstrip().endswith("3/3")


def test_the_live_view_goes_without_unicode() -> None:
    lines = [line for line in drawn(unicode=False).splitlines() if "fetch" in line or "clean" in line]
    assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [10, 20, 40])
def test_the_live_view_fits_a_narrow_terminal(width: int) -> None:
    assert all(len(line) <= width for line in drawn(width=width).splitlines())


def test_of_many_tasks_those_that_failed_and_those_at_work_are_shown() -> None:
    names = tuple(f"task_{number}" for number in range(1000))
    events: list[Progress] = [RunBegan("d", "r", names)]
    events += [TaskChanged(name, "success", 1, AT, "") for name in names[:500]]
    events += [TaskChanged("task_100", "failed", 1, AT, ""), TaskChanged("task_700", "running", 1, AT, "")]
    text = drawn(events=events, height=12)
    assert len(text.splitlines()) <= 12
    assert "task_100" in text
    assert "task_700" in text
    assert "more" in text
    assert "500/1000" in text


def test_a_task_that_goes_again_is_not_counted_twice() -> None:
    states = ("success", None, "running", "failed", "up_for_retry", "running", "success")
    events = [RunBegan("d", "r", ("a",)), *(TaskChanged("a", state, 1, AT, "") for state in states)]
    assert drawn(events=events).rstrip().endswith("1/1")


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(0.0123, "12 ms"), (1.26, "1.3 s"), (61, "1 min 01 s"), (3725, "1 h 02 min")]
)
def test_spans_are_short(seconds: float, spoken: str) -> None:
    assert spoken_span(seconds) == spoken
