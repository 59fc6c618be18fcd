"""Human input in a turn: a task instance that asked waits as ``deferred``, without a slot; a command, or its time, lets the
same try go on in the method that it named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tradewind.errors import Refused
from tradewind.logic import waiting
from tradewind.logic.human_input import answered, time_is_over
from tradewind.logic.live_run import LiveRun, Transition
from tradewind.model.human_input import InputAnswer, InputRequest
from tradewind.model.outcomes import AwaitsInput, Failed, Outcome
from tradewind.model.states import TaskState
from tradewind.store.tables import to_micros

if TYPE_CHECKING:
    from tradewind.scheduler.turn import Turn


@dataclass(frozen=True, slots=True)
class OpenInput:
    """A question that nobody has answered yet."""

    attempt_id: str
    request: InputRequest


class HumanInput:
    """The questions and answers of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @staticmethod
    def checked(outcome: Outcome) -> Outcome:
        """The outcome, or a failure where it asks nothing that could be answered."""
        try:
            if isinstance(outcome, AwaitsInput):
                msgspec.convert(outcome.payload, InputRequest)
        except msgspec.ValidationError as error:
            return Failed(f"the task asked for input in a way that cannot be shown: {error}", retry="never")
        return outcome

    def asked(self, run: LiveRun, number: int, attempt_id: str, outcome: Outcome) -> None:
        """An attempt ended; where it did so by asking, the machine has let its instance wait."""
        turn = self._turn
        if not isinstance(outcome, AwaitsInput) or run.states[number] is not TaskState.DEFERRED:
            return
        request = msgspec.convert(outcome.payload, InputRequest)
        due = run.due_at[number]
        turn.memory.inputs[run.pks[number]] = OpenInput(attempt_id, request)
        turn.batch.new_inputs.append(
            {
                "attempt_id": attempt_id,
                "run_pk": run.pk,
                "ti_pk": run.pks[number],
                "task_id": run.task(number).task_id,
                "map_index": run.map_index(number),
                "subject": request.subject,
                "request": msgspec.json.encode(request).decode(),
                "asked_at": turn.micros,
                "due_at": None if due is None else to_micros(due),
            }
        )

    def respond(
        self, run: LiveRun, number: int, options: Sequence[str], params: Mapping[str, Any], by: str
    ) -> InputAnswer:
        """Somebody answers.

        :raises Refused: where nothing is asked (any more), they may not, or the answer is none.
        """
        found = self._turn.memory.inputs.get(run.pks[number])
        if found is None:
            state = run.states[number] or "not begun"
            raise Refused(
                f"Task {run.label(number)!r} of run {run.info.run_id!r} waits for no answer: it is {state}."
            )
        answer = answered(found.request, options, params, by, self._turn.now)
        self._go_on(
            run, number, found, answer, f"answered by {by}: {', '.join(answer.chosen_options) or 'nothing'}"
        )
        return answer

    def due(self, run: LiveRun, number: int) -> None:
        """The time for an answer is over."""
        found = self._turn.memory.inputs.get(run.pks[number])
        if found is not None and (run.due_at[number] or self._turn.now) <= self._turn.now:
            answer = time_is_over(found.request, self._turn.now)
            chosen = ", ".join(answer.chosen_options) or "nothing"
            self._go_on(
                run,
                number,
                found,
                answer,
                answer.error or f"nobody answered in time; {chosen} counts as chosen",
            )

    def follow(self, change: Transition) -> None:
        """What is asked is asked no more where its instance went another way."""
        if change.instance is not None and self._turn.memory.inputs and change.new is not TaskState.DEFERRED:
            self._close(change.run, change.instance)

    def _go_on(self, run: LiveRun, number: int, found: OpenInput, answer: InputAnswer, reason: str) -> None:
        self._close(run, number)
        row = {
            "attempt_id": found.attempt_id,
            "answer": msgspec.json.encode(answer).decode(),
            "answered_by": answer.by[:250] or None,
            "answered_at": self._turn.micros,
        }
        self._turn.batch.answered_inputs.append(row)
        if not answer.error:
            waiting.resume(self._turn.machine, run, number, answer.event(), reason)

    def _close(self, run: LiveRun, number: int) -> None:
        found = self._turn.memory.inputs.pop(run.pks[number], None)
        if found is not None:
            self._turn.batch.closed_inputs.append({"attempt_id": found.attempt_id})
