"""Human input in a turn: a task instance that asked waits as ``deferred``, without a slot; a command, or its time, lets the
same try go on in the method that it named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tradewind.errors import Refused
from tradewind.logic.human_input import answered, time_is_over
from tradewind.logic.live_run import LiveRun, Transition
from tradewind.model.human_input import InputAnswer, InputRequest
from tradewind.model.outcomes import AwaitsInput, Failed
from tradewind.model.states import TaskState
from tradewind.store.tables import to_micros

if TYPE_CHECKING:
    from tradewind.scheduler.turn import Turn

#: states in which an answer is waited for, or has yet to be gone on with
_UNDER_WAY = (TaskState.DEFERRED, TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING)


@dataclass(slots=True)
class OpenInput:
    """A question that is open. ``answer`` is there once the task may go on with it."""

    attempt_id: str
    request: InputRequest
    method: str
    answer: InputAnswer | None = None

    def resume(self) -> dict[str, Any] | None:
        """What the task's next order goes on with; ``None`` while there is no answer."""
        return {"method": self.method, "event": self.answer.event()} if self.answer is not None else None


class HumanInput:
    """The questions and answers of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @staticmethod
    def checked(outcome: AwaitsInput) -> AwaitsInput | Failed:
        """The outcome, or a failure where its payload asks nothing that could be answered."""
        try:
            msgspec.convert(outcome.payload, InputRequest)
        except msgspec.ValidationError as error:
            return Failed(f"the task asked for input in a way that cannot be shown: {error}", retry="never")
        return outcome

    def asked(self, run: LiveRun, number: int, attempt_id: str, outcome: AwaitsInput) -> None:
        """An attempt ended by asking; the machine has let its instance wait."""
        turn = self._turn
        if run.states[number] is not TaskState.DEFERRED:
            return
        request = msgspec.convert(outcome.payload, InputRequest)
        due = run.due_at[number]
        self._close(run, number)
        turn.memory.inputs[run.pk, number] = OpenInput(attempt_id, request, outcome.method)
        turn.batch.new_inputs.append(
            {
                "attempt_id": attempt_id,
                "run_pk": run.pk,
                "ti_pk": run.pks[number],
                "task_id": run.label(number),
                "map_index": -1,
                "subject": request.subject,
                "request": msgspec.json.encode(request).decode(),
                "method": outcome.method,
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
        found = self._turn.memory.inputs.get((run.pk, number))
        if found is None:
            state = run.states[number] or "not begun"
            raise Refused(
                f"Task {run.label(number)!r} of run {run.info.run_id!r} waits for no answer: it is {state}."
            )
        if found.answer is not None:
            who = found.answer.by or "the defaults, since its time was over"
            raise Refused(
                f"Task {run.label(number)!r} of run {run.info.run_id!r} was answered already, by {who}."
            )
        answer = answered(found.request, options, params, by, self._turn.now)
        self._go_on(
            run, number, found, answer, f"answered by {by}: {', '.join(answer.chosen_options) or 'nothing'}"
        )
        return answer

    def due(self, run: LiveRun, number: int) -> None:
        """The time for an answer is over."""
        found = self._turn.memory.inputs.get((run.pk, number))
        if found is not None and found.answer is None:
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
        if change.instance is not None and self._turn.memory.inputs and change.new not in _UNDER_WAY:
            self._close(change.run, change.instance)

    def _go_on(self, run: LiveRun, number: int, found: OpenInput, answer: InputAnswer, reason: str) -> None:
        found.answer = answer
        row = {
            "attempt_id": found.attempt_id,
            "answer": msgspec.json.encode(answer).decode(),
            "answered_by": answer.by[:250] or None,
            "answered_at": self._turn.micros,
        }
        self._turn.batch.answered_inputs.append(row)
        self._turn.machine.go_on(run, number, reason)

    def _close(self, run: LiveRun, number: int) -> None:
        found = self._turn.memory.inputs.pop((run.pk, number), None)
        if found is not None:
            self._turn.batch.closed_inputs.append({"attempt_id": found.attempt_id})
