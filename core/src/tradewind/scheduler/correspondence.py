"""The inbox's table door in a turn: facts and messages come in from rows, and messages of this turn go out as rows."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from tradewind.agent import protocol
from tradewind.errors import StoreError, TradewindError
from tradewind.logic import run_waits
from tradewind.model.messages import MESSAGES, AssetUpdated, Message, RunAnswered, RunWanted
from tradewind.model.outcomes import Succeeded, TriggersRun
from tradewind.model.states import RUN_FINAL, TaskState
from tradewind.scheduler import runs_wanted, updates, waits
from tradewind.scheduler.foreign import Unanswered
from tradewind.scheduler.messages import opened
from tradewind.store.engine import Store
from tradewind.store.facts import FactRepository
from tradewind.store.rows import FactRow

if TYPE_CHECKING:
    from tradewind.scheduler.commands import Commands
    from tradewind.scheduler.loading import Loading
    from tradewind.scheduler.turn import Turn

FACTS_A_TURN = 500


class Correspondence:
    """Reads what others wrote, and writes to others.

    :param serves_all: ``False``: takes only what is about the runs in memory, and leaves the rest to whoever comes next.
    """

    def __init__(self, store: Store, loading: Loading, commands: Commands, serves_all: bool) -> None:
        self._facts = FactRepository(store)
        self._loading = loading
        self._commands = commands
        self._serves_all = serves_all

    def receive(self, turn: Turn) -> bool:
        """Apply the facts that wait in the table, and delete them with the turn; whether there may be more."""
        limit = FACTS_A_TURN if self._serves_all else None
        rows = self._facts.waiting(limit=limit)
        for row in rows:
            if self._take(turn, row):
                turn.batch.consumed_facts.append({"seq": row.seq})
        return len(rows) == limit

    def send(self, turn: Turn) -> None:
        """Write the messages that follow from the turn: last of all, once everything is decided."""
        for attempt, outcome, state in turn.ended:
            run, number = attempt.run, attempt.number
            if state is TaskState.SUCCESS:
                updates.tell_of_outlets(turn, self._loading, run, number, outcome)
            elif state is TaskState.DEFERRED and isinstance(outcome, TriggersRun):
                waits.keep(turn.memory, run, number, turn.around.default_executor)
                runs_wanted.ask(turn, run, number, outcome, attempt.id)
        for fired in turn.fired:
            updates.tell_of_watched(turn, self._loading, fired)
        for run in turn.machine.delta.ended_runs:
            if run.state in RUN_FINAL:
                runs_wanted.tell_of_end(turn, run)

    def _take(self, turn: Turn, row: FactRow) -> bool:
        """Apply one row, unless it is for somebody else. One that cannot be read or applied is put aside."""
        try:
            if row.kind not in MESSAGES:
                return self._take_fact(turn, row)
            return self._take_message(turn, opened(row), row)
        except Unanswered as missing:  # of a timetable: the row waits until the answer is there
            turn.effects.questions[row.attempt_id] = missing.question
            return False
        except StoreError:
            raise
        except Exception as error:
            if not self._serves_all:
                return False
            self._put_aside(turn, row, error)
            return True

    def _take_fact(self, turn: Turn, row: FactRow) -> bool:
        """A fact about an attempt, of whose claim the store alone may know."""
        attempt = turn.memory.attempts.get(row.attempt_id)
        if attempt is None:
            return self._serves_all
        turn.fact(protocol.read(row.body), row.session)
        return True

    def _take_message(self, turn: Turn, message: Message, row: FactRow) -> bool:
        if not self._serves_all and (
            isinstance(message, AssetUpdated) or message.asker.run_pk not in turn.memory.runs
        ):
            return False
        turn.machine.cause = ("fact", row.attempt_id)
        match message:
            case AssetUpdated():
                updates.take(turn, message)
            case RunWanted():
                self._take_wanted(turn, message)
            case RunAnswered():
                self._take_answer(turn, message)
        return True

    def _take_wanted(self, turn: Turn, wanted: RunWanted) -> None:
        try:
            runs_wanted.take(turn, self._commands, wanted)
        except (StoreError, Unanswered):
            raise
        except TradewindError as error:
            runs_wanted.answer(turn, wanted.asker, "failed", str(error))
        except Exception as error:  # a fault of ours, for which nobody shall wait in vain
            runs_wanted.answer(turn, wanted.asker, "failed", f"{type(error).__name__}: {error}")
            raise

    def _take_answer(self, turn: Turn, answer: RunAnswered) -> None:
        asker = answer.asker
        run = turn.memory.runs.get(asker.run_pk)
        if run is None:
            return
        number = next((it for it in run.named(asker.label) if run.pks[it] == asker.ti_pk), None)
        if number is None:
            return
        with turn.guarded(run, f"an answer to {run.label(number)}"):
            waited = run_waits.answered(turn.machine, run, number, answer)
            if waited and run.states[number] is TaskState.SUCCESS:
                updates.tell_of_outlets(turn, self._loading, run, number, Succeeded())

    @staticmethod
    def _put_aside(turn: Turn, row: FactRow, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        turn.batch.problems.append(
            {"run_pk": None, "what": f"a fact of kind {row.kind}", "traceback": text, "at": turn.micros}
        )
