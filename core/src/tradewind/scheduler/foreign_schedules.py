"""Puts the questions that the scheduler has for the timetables of plugins, and brings the answers back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from tradewind.ports.planner import Planner, TimetableAnswer, TimetableQuestion
from tradewind.scheduler.foreign import ForeignTimetable
from tradewind.scheduler.loop import Loop
from tradewind.scheduler.memory import LiveDag, Memory

log = logging.getLogger("tradewind.scheduler")

ASK_AGAIN_AFTER = 60.0  #: seconds, where a timetable failed
_NOBODY = TimetableAnswer(error="Timetables of plugins are not asked here.")


class ForeignSchedules:
    """Between the loop, the memory and the planner. An answer is used in the turn after it came.

    :param look_at: look at the DAG of that id in the next turn.
    :param look_at_commands: look at the open commands in the next turn.
    """

    def __init__(
        self,
        planner: Planner | None,
        loop: Loop,
        memory: Callable[[], Memory],
        look_at: Callable[[str], None],
        look_at_commands: Callable[[], None],
    ) -> None:
        self._planner = planner
        self._loop = loop
        self._memory = memory
        self._look_at = look_at
        self._look_at_commands = look_at_commands
        self._asked_for: set[str] = set()  # commands

    def ask_for(self, dag: LiveDag) -> None:
        """Have the DAG's timetable asked what it could not say, if there is anything."""
        timetable = dag.timetable
        if not isinstance(timetable, ForeignTimetable) or timetable.wanted is None or timetable.is_asked:
            return
        question, timetable.wanted, timetable.is_asked = timetable.wanted, None, True
        self._ask(question, partial(self._told, dag.dag_id, timetable, question))

    def ask_of_command(self, command_id: str, question: TimetableQuestion) -> None:
        """Have a question of a command answered, once."""
        if command_id not in self._asked_for:
            self._asked_for.add(command_id)
            self._ask(question, partial(self._told_of_command, command_id, question))

    def answer_at_once(self, questions: Mapping[str, TimetableQuestion]) -> None:
        """Wait for the answers; where nothing else is to be done meanwhile."""
        for command_id, question in questions.items():
            answer = self._planner.answer(question) if self._planner is not None else _NOBODY
            self._memory().manual[command_id] = (question.now, answer)

    def close(self) -> None:
        """Ask no more."""
        if self._planner is not None:
            self._planner.close()

    # -- inside ----------------------------------------------------------------------------------------------

    def _ask(self, question: TimetableQuestion, on_answer: Callable[[TimetableAnswer], None]) -> None:
        if self._planner is None:
            on_answer(_NOBODY)
        else:
            self._planner.ask(question, on_answer, self._loop)

    def _told(
        self, dag_id: str, timetable: ForeignTimetable, question: TimetableQuestion, answer: TimetableAnswer
    ) -> None:
        if answer.error:
            log.error("DAG %s is not scheduled for now: %s", dag_id, answer.error)
            self._loop.later(ASK_AGAIN_AFTER, partial(self._ask_again, dag_id, timetable))
            return
        timetable.is_asked = False
        timetable.take(question, answer)
        self._look_at(dag_id)

    def _ask_again(self, dag_id: str, timetable: ForeignTimetable) -> None:
        timetable.is_asked = False
        self._look_at(dag_id)

    def _told_of_command(self, command_id: str, question: TimetableQuestion, answer: TimetableAnswer) -> None:
        self._asked_for.discard(command_id)
        self._memory().manual[command_id] = (question.now, answer)
        self._look_at_commands()
