"""What happened, in order: noted cheaply, told when somebody asks."""

from __future__ import annotations

import logging
from typing import Any

from .clock import SimClock


class Story:
    """The timeline of one seed. A line's arguments are put into its text when it is told."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._lines: list[tuple[float, str, str, tuple[Any, ...]]] = []

    def note(self, who: str, text: str, *arguments: Any) -> None:
        """Something happened."""
        self._lines.append((self._clock.elapsed, who, text, arguments))

    def lines(self, last: int | None = None) -> list[str]:
        """The story, or its last lines; seconds since the beginning, who, what."""
        chosen = self._lines if last is None else self._lines[-last:]
        return [f"{at:12.3f}  {who:<10} {text % arguments}" for at, who, text, arguments in chosen]


class StoryHandler(logging.Handler):
    """What the scheduler logs becomes part of the story."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        self._story.note("log", "%s: %s", record.levelname.lower(), record.getMessage())
