"""Commands applied: each in the turn that it came with, each answered with a result or with why it was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from tradewind.errors import Conflict, NotFound, Refused, TradewindError
from tradewind.logic.admission import Limit
from tradewind.logic.params import resolve_params
from tradewind.model.commands import (
    CancelBackfill,
    CatchUp,
    ClearTasks,
    Command,
    CreateBackfill,
    DagChanged,
    DeleteDag,
    DeleteRun,
    MarkRun,
    MarkTasks,
    PauseBackfill,
    PoolChanged,
    RespondInput,
    SetNote,
    SetPaused,
    TriggerRun,
)
from tradewind.model.ids import check_run_id
from tradewind.model.run import DataInterval, RunInfo
from tradewind.model.states import RunType
from tradewind.ports.planner import TimetableAnswer
from tradewind.scheduler import corrections, waits
from tradewind.scheduler.backfills import Backfills
from tradewind.scheduler.foreign import Unanswered
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.turn import Turn
from tradewind.store.rows import CommandRow


class Commands:
    """Applies commands in a turn."""

    def __init__(self, loading: Loading, backfills: Backfills) -> None:
        self._loading = loading
        self._backfills = backfills

    def apply(self, turn: Turn, row: CommandRow) -> None:
        """Apply a command, and note what became of it."""
        turn.machine.cause = ("command", row.id)
        result: dict[str, Any] = {}
        refused: str | None = None
        try:
            if row.command is None:
                raise Refused(
                    f"This scheduler does not know the command {row.kind!r}: is it of an older version?"
                )
            result = self._apply(turn, row.command, row.actor)
        except Unanswered as missing:
            turn.effects.questions[row.id] = missing.question
            return  # it stays open, and is applied when the answer is there
        except TradewindError as error:
            refused = str(error)
        turn.callbacks.collect()
        turn.batch.commands.append(
            {
                "id": row.id,
                "applied_at": turn.micros,
                "result": msgspec.json.encode(result).decode(),
                "refused_reason": refused,
            }
        )

    def _apply(self, turn: Turn, command: Command, actor: str) -> dict[str, Any]:
        match command:
            case TriggerRun():
                return self._trigger(turn, command)
            case SetPaused():
                return self._set_paused(turn, command)
            case ClearTasks():
                return corrections.clear(self._loading, turn, command, f"cleared by {actor}")
            case MarkTasks():
                return corrections.mark_tasks(self._loading, turn, command, f"marked by {actor}")
            case MarkRun():
                return corrections.mark_run(
                    self._loading, turn, command, f"marked {command.state} by {actor}"
                )
            case SetNote():
                return corrections.set_note(self._loading, turn, command)
            case DeleteRun():
                return corrections.delete_run(self._loading, turn, command)
            case CreateBackfill():
                return self._backfills.create(turn, self._dag(turn, command.dag_id), command, actor)
            case PauseBackfill():
                return self._backfills.pause(turn, command)
            case CancelBackfill():
                return self._backfills.cancel(turn, command)
            case DagChanged():
                return self._dag_changed(turn, command)
            case PoolChanged():
                self._loading.pools(turn.memory)
                waits.recount(turn.memory, turn.around.default_executor)
                turn.memory.admission.lift(Limit("pool", command.name))
                turn.memory.admission.lift(Limit("pool too small", command.name))
                return {}
            case RespondInput():
                return corrections.respond(self._loading, turn, command, actor)
            case CatchUp():
                return self._catch_up(turn, command)
            case DeleteDag():
                return self._delete(turn, command)

    def _trigger(self, turn: Turn, command: TriggerRun) -> dict[str, Any]:
        dag = self._dag(turn, command.dag_id)
        version_id = command.version_id or dag.version_id
        plan = self._loading.plan(turn.memory, version_id)
        told = turn.memory.manual.pop(str(turn.machine.cause[1]), None)
        run_after = command.run_after or (told[0] if told else turn.now)
        logical = command.logical_date or run_after
        run_id = check_run_id(command.run_id or self._free_run_id(turn, command, logical))
        if self._is_there(turn, command.dag_id, run_id):
            raise Conflict(
                f"DAG {command.dag_id!r} has a run {run_id!r} already; give another run id, or clear that run."
            )
        resolve_params(plan.spec.params, command.conf)
        info = RunInfo(
            dag_id=command.dag_id,
            run_id=run_id,
            run_type=command.run_type,
            logical_date=logical,
            data_interval=_told(told[1])
            if told
            else self._loading.timetable(plan.spec).manual_interval(logical),
            run_after=run_after,
            conf=command.conf,
            version_id=version_id,
            note=command.note,
        )
        turn.create_run(dag, info, even_if_paused=command.even_if_paused)
        return {"run_id": info.run_id}

    def _free_run_id(self, turn: Turn, command: TriggerRun, logical: datetime) -> str:
        run_id = f"{RunType(command.run_type)}__{logical.isoformat()}"
        if not self._is_there(turn, command.dag_id, run_id):
            return run_id
        return f"{run_id}_{turn.around.new_id()[-8:]}"

    def _is_there(self, turn: Turn, dag_id: str, run_id: str) -> bool:
        """Whether the DAG has the run: in the store, or made in this turn, whose rows are not committed yet."""
        return (dag_id, run_id) in turn.made or self._loading.run_row(dag_id, run_id) is not None

    def _set_paused(self, turn: Turn, command: SetPaused) -> dict[str, Any]:
        dag = self._dag(turn, command.dag_id)
        dag.paused, dag.paused_reason = command.paused, None
        dag.planned, dag.vetted, dag.held = None, False, False
        paused = turn.memory.admission.ledger.paused
        if command.paused:
            paused.add(dag.dag_id)
        else:
            paused.discard(dag.dag_id)
            turn.memory.admission.lift(Limit("paused", dag.dag_id))
        turn.batch.dags.append(self._loading.dag_row(dag))
        turn.touch(dag)
        return {"paused": dag.paused}

    def _catch_up(self, turn: Turn, command: CatchUp) -> dict[str, Any]:
        dag = self._dag(turn, command.dag_id)
        if not dag.bounds.catchup:
            raise Refused(f"DAG {dag.dag_id!r} makes up for nothing that it missed: it has catchup=False.")
        made = None
        if command.skip:
            newest = dag.timetable.next_run(dag.cursor, replace(dag.bounds, catchup=False), turn.now)
            if newest is None or newest.run_after > turn.now:
                raise Refused(f"DAG {dag.dag_id!r} has no run that is due, so there is none to skip.")
            turn.make_scheduled(dag, newest)
            made = newest.logical_date.isoformat()
        dag.vetted, dag.held = True, False
        turn.batch.dags.append(self._loading.dag_row(dag))
        turn.touch(dag)
        return {"logical_date": made}

    def _dag_changed(self, turn: Turn, command: DagChanged) -> dict[str, Any]:
        dag = self._loading.dag(turn.memory, command.dag_id)
        if dag is not None:
            turn.touch(dag)
        return {}

    def _delete(self, turn: Turn, command: DeleteDag) -> dict[str, Any]:
        dag = self._dag(turn, command.dag_id)
        if dag.backfill is not None:
            raise Refused(
                f"DAG {dag.dag_id!r} has a backfill that is not completed; end it with "
                f"`tradewind backfill cancel {dag.backfill.id}`."
            )
        if dag.active or dag.queued:
            raise Refused(
                f"DAG {dag.dag_id!r} has {dag.active + len(dag.queued)} runs that have not ended. "
                f"Mark them with `tradewind runs mark`, or wait for them."
            )
        if not dag.is_stale:
            raise Refused(
                f"DAG {dag.dag_id!r} is still in the DAG folder and would come back at once: remove its file first."
            )
        self._loading.delete(turn.memory, turn.around.writer, dag)
        return {}

    # -- inside ----------------------------------------------------------------------------------------------

    def _dag(self, turn: Turn, dag_id: str) -> LiveDag:
        dag = turn.memory.dags.get(dag_id) or self._loading.dag(turn.memory, dag_id)
        if dag is None:
            raise NotFound("DAG", dag_id, turn.memory.dags, "`tradewind dags list` lists them.")
        return dag


def _told(answer: TimetableAnswer) -> DataInterval | None:
    if answer.error:
        raise Refused(answer.error)
    return answer.manual
