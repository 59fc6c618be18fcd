"""The timetables of plugins as the scheduler knows them: by their answers alone, which come from a process apart."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from tradewind.model.run import DataInterval
from tradewind.model.spec import TimetableSpec
from tradewind.ports.planner import TimetableAnswer, TimetableQuestion
from tradewind.timetables import Bounds, PlannedRun, Timetable

_AHEAD = 1001  # runs of a catch-up that are asked for at once
_FRESH = timedelta(minutes=1)


class Unanswered(Exception):
    """The question has to be put first."""

    def __init__(self, question: TimetableQuestion) -> None:
        super().__init__(question.timetable.type)
        self.question = question


class ForeignTimetable(Timetable):
    """Answers what it was told, and notes what it was not as ``wanted``."""

    is_foreign: ClassVar[bool] = True

    def __init__(self, spec: TimetableSpec) -> None:
        self._spec = spec
        self._told: dict[DataInterval | None, tuple[datetime, PlannedRun | None]] = {}
        self.wanted: TimetableQuestion | None = None
        self.is_asked = False  #: and the answer is still to come, or was none

    @property
    def summary(self) -> str:
        """The name that it is registered by."""
        return self._spec.type

    def spec(self) -> TimetableSpec:
        """What is stored of it."""
        return self._spec

    def next_run(self, last: DataInterval | None, bounds: Bounds, now: datetime) -> PlannedRun | None:
        """What it was told; nothing as long as that is not known."""
        told = self._told.get(last)
        if told is not None:
            asked, planned = told
            # Without catch-up, what was missed meanwhile changes the answer.
            if bounds.catchup or planned is None or planned.run_after > now or now - asked < _FRESH:
                return planned
        self.wanted = TimetableQuestion(
            timetable=self._spec, now=now, last=last, bounds=bounds, number=_AHEAD if bounds.catchup else 1
        )
        return None

    def manual_interval(self, run_after: datetime) -> DataInterval:
        """Has to be asked each time.

        :raises Unanswered: always, with the question.
        """
        raise Unanswered(TimetableQuestion(timetable=self._spec, now=run_after, manual=run_after))

    def take(self, question: TimetableQuestion, answer: TimetableAnswer) -> None:
        """Keep an answer; it takes the place of all that was told before."""
        self._told.clear()
        last = question.last
        for planned in answer.runs:
            self._told[last] = (question.now, planned)
            last = planned.interval
        if answer.ends:
            self._told[last] = (question.now, None)
