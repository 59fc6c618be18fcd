"""Backfills at work: slots are put down, then worked through, a few in a turn, so that nobody waits for a backfill.

Each slice is one turn's transaction with the number it has come to, so that whoever takes over goes on exactly there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec

from tradewind.errors import Refused
from tradewind.logic import clearing
from tradewind.logic.backfill import AlreadyRunningBackfill, check, decide, upcoming
from tradewind.logic.params import resolve_params
from tradewind.model.backfill import ReprocessBehavior, SlotResult, SlotRow
from tradewind.model.commands import CancelBackfill, CreateBackfill, PauseBackfill
from tradewind.model.ids import shard_of
from tradewind.model.run import RunInfo
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.memory import LiveDag
from tradewind.scheduler.queue import LiveBackfill, QueuedRun
from tradewind.scheduler.rows import backfill_row, micros, new_instance_rows, new_run_row, slot_row
from tradewind.scheduler.turn import Turn
from tradewind.store.backfills import BackfillRepository, RunAtDate
from tradewind.timetables.slots import is_periodic, slots_between

PLANNED_A_TURN = 50  #: slots that are put down; each asks the timetable
RUNS_A_TURN = 50  #: runs that are made, or let go again
INSTANCES_A_TURN = 500  #: task instances that these may have; one run is made however many it has
ENDED_A_TURN = 20  #: queued runs that a cancelled backfill ends


class Backfills:
    """Carries out commands about backfills, and moves backfills on."""

    def __init__(self, rows: BackfillRepository, loading: Loading) -> None:
        self._rows = rows
        self._loading = loading

    # -- commands --------------------------------------------------------------------------------------------

    def create(self, turn: Turn, dag: LiveDag, command: CreateBackfill, actor: str) -> dict[str, Any]:
        """Make a backfill; its runs follow in the turns to come.

        :raises Refused: where it cannot be; see :mod:`tradewind.logic.backfill`.
        """
        spec = self._loading.plan(turn.memory, dag.version_id).spec
        if dag.backfill is not None:
            raise AlreadyRunningBackfill(
                f"AlreadyRunningBackfill: DAG {dag.dag_id!r} has a backfill that is not completed "
                f"({dag.backfill.id}); wait for it, or end it with `tradewind backfill cancel {dag.backfill.id}`."
            )
        check(
            spec,
            periodic=is_periodic(spec.timetable),
            since=command.from_date,
            until=command.to_date,
            now=turn.now,
            reprocess=command.reprocess_behavior,
            backwards=command.run_backwards,
            max_active_runs=command.max_active_runs,
        )
        if next(slots_between(dag.timetable, command.from_date, command.to_date, turn.now), None) is None:
            raise Refused(
                f"No runs to create for DAG {dag.dag_id!r}: no interval of its schedule begins between "
                f"{command.from_date.isoformat()} and {command.to_date.isoformat()} and has ended."
            )
        resolve_params(spec.params, command.dag_run_conf)
        made = LiveBackfill(
            id=0,
            dag_id=dag.dag_id,
            since=command.from_date,
            until=command.to_date,
            before=turn.now,
            max_active_runs=command.max_active_runs,
            reprocess=command.reprocess_behavior,
            backwards=command.run_backwards,
            conf=command.dag_run_conf,
        )
        row = {
            **backfill_row(made),
            "dag_id": dag.dag_id,
            "shard": shard_of(dag.dag_id),
            "actor": actor[:250],
            "from_date": micros(made.since),
            "to_date": micros(made.until),
            "max_active_runs": made.max_active_runs,
            "reprocess_behavior": made.reprocess,
            "run_backwards": made.backwards,
            "dag_run_conf": msgspec.json.encode(made.conf).decode(),
            "created_at": turn.micros,
        }
        made.id = turn.around.writer.insert_backfill(row)
        dag.backfill = made
        turn.memory.filling.append(made)
        return {"id": made.id}

    def pause(self, turn: Turn, command: PauseBackfill) -> dict[str, Any]:
        """Start no further run of the backfill, or go on; runs that are running go on in any case."""
        backfill = self._open(turn, command.dag_id, command.backfill_id)
        backfill.paused = command.paused
        turn.batch.backfills.append(backfill_row(backfill))
        turn.touch(turn.memory.dags[backfill.dag_id])
        return {"id": backfill.id, "is_paused": backfill.paused}

    def cancel(self, turn: Turn, command: CancelBackfill) -> dict[str, Any]:
        """Make and start no further run of the backfill, and end those that are queued."""
        backfill = self._open(turn, command.dag_id, command.backfill_id)
        backfill.cancelled_at = turn.now
        turn.batch.backfills.append(backfill_row(backfill))
        if backfill not in turn.memory.filling:
            turn.memory.filling.append(backfill)
        return {"id": backfill.id}

    def _open(self, turn: Turn, dag_id: str, backfill_id: int) -> LiveBackfill:
        dag = turn.memory.dags.get(dag_id)
        if dag is None or dag.backfill is None or dag.backfill.id != backfill_id:
            self._rows.get(backfill_id)
            raise Refused(f"Backfill {backfill_id} is completed; there is nothing left to change.")
        if dag.backfill.cancelled_at is not None:
            raise Refused(f"Backfill {backfill_id} was cancelled.")
        return dag.backfill

    # -- work ------------------------------------------------------------------------------------------------

    def advance(self, turn: Turn) -> None:
        """A slice of work for the backfill whose turn it is."""
        filling = turn.memory.filling
        if not filling:
            return
        backfill = filling.popleft()
        dag = turn.memory.dags[backfill.dag_id]
        for run in backfill.fresh:
            backfill.queued.append(run)
        backfill.fresh.clear()
        if backfill.cancelled_at is not None:
            self._end_queued(turn, backfill)
        elif backfill.planned_at is None and (backfill.backwards or backfill.made == backfill.planned):
            self._plan(turn, backfill, dag)
        elif not backfill.is_made and dag.dag_id not in {made for made, _ in turn.made}:
            self._make(turn, backfill, dag)
        turn.touch(dag)
        if backfill.is_over:
            turn.batch.backfills.append(backfill_row(backfill, completed_at=turn.micros))
            dag.backfill = None
        elif backfill.has_work:
            filling.append(backfill)

    def _plan(self, turn: Turn, backfill: LiveBackfill, dag: LiveDag) -> None:
        """Put the next slots down. Newest first needs all of them before it can begin; oldest first does not."""
        slots = slots_between(dag.timetable, backfill.since, backfill.until, backfill.before, backfill.last)
        found = list(islice(slots, PLANNED_A_TURN))
        for number, planned in enumerate(found, backfill.planned + 1):
            turn.batch.new_backfill_slots.append(slot_row(backfill.id, number, planned))
        backfill.planned += len(found)
        if found:
            backfill.last = found[-1].interval
        if len(found) < PLANNED_A_TURN:
            backfill.planned_at = turn.now
        turn.batch.backfills.append(backfill_row(backfill))

    def _make(self, turn: Turn, backfill: LiveBackfill, dag: LiveDag) -> None:
        """Work through the next slots: make runs, let those that are there go again, or leave them alone."""
        plan = self._loading.plan(turn.memory, dag.version_id)
        count = max(1, min(RUNS_A_TURN, INSTANCES_A_TURN // max(1, len(plan))))
        numbers = upcoming(backfill.planned, backfill.made, count, backwards=backfill.backwards)
        slots = self._rows.slots(backfill.id, numbers)
        dates = [slot.logical_date for slot in slots]
        there = self._rows.runs_between(dag.dag_id, min(dates), max(dates))
        new: list[SlotRow] = []
        for slot in slots:
            runs = there.get(slot.logical_date, [])
            result = decide((self._state(turn, run) for run in runs), backfill.reprocess)
            if result is SlotResult.CREATED:
                new.append(slot)
            else:
                again = self._clear(turn, backfill, runs) if result is SlotResult.CLEARED else None
                _note(turn, backfill, slot, result, again)
        if new:
            infos = self._infos(turn, backfill, dag, new)
            rows = [
                {**new_run_row(info, turn.now, even_if_paused=True), "backfill_id": backfill.id}
                for info in infos
            ]
            pks = turn.around.writer.insert_runs(rows, new_instance_rows(plan.spec))
            for slot, info, pk in zip(new, infos, pks, strict=True):
                _note(turn, backfill, slot, SlotResult.CREATED, pk)
                turn.memory.past.made(info, pk)
                backfill.fresh.append(QueuedRun(pk, even_if_paused=True))
        backfill.made += len(slots)
        turn.batch.backfills.append(backfill_row(backfill))

    def _infos(
        self, turn: Turn, backfill: LiveBackfill, dag: LiveDag, slots: Sequence[SlotRow]
    ) -> list[RunInfo]:
        ids = [f"{RunType.BACKFILL}__{slot.logical_date.isoformat()}" for slot in slots]
        taken = self._rows.taken_run_ids(dag.dag_id, ids)
        return [
            RunInfo(
                dag_id=dag.dag_id,
                run_id=f"{run_id}_{turn.around.new_id()[-8:]}" if run_id in taken else run_id,
                run_type=RunType.BACKFILL,
                logical_date=slot.logical_date,
                data_interval=slot.interval,
                run_after=slot.run_after,
                conf=dict(backfill.conf),
                version_id=dag.version_id,
            )
            for slot, run_id in zip(slots, ids, strict=True)
        ]

    @staticmethod
    def _state(turn: Turn, run: RunAtDate) -> RunState:
        live = turn.memory.runs.get(run.pk)
        return run.state if live is None else live.state

    def _clear(self, turn: Turn, backfill: LiveBackfill, runs: Sequence[RunAtDate]) -> int | None:
        """Let the run that is there go again, as one of the backfill's; its pk."""
        wanted = [
            run
            for run in runs
            if backfill.reprocess is not ReprocessBehavior.FAILED or run.state is RunState.FAILED
        ]
        chosen = max(wanted, key=lambda run: (run.is_scheduled, run.pk))
        run = self._loading.fetch(turn.memory, chosen.pk)
        if run is None:
            return None
        turn.machine.cause = ("clock", None)
        clearing.clear(turn.machine, run, range(len(run.plan)), f"backfill {backfill.id} lets it go again")
        turn.starting.take_back(turn.memory.dags[backfill.dag_id], run)
        run.info = replace(run.info, run_type=RunType.BACKFILL)
        turn.batch.backfilled_runs.append({"pk": run.pk, "backfill_id": backfill.id})
        turn.memory.forget_run(run)
        backfill.fresh.append(QueuedRun(run.pk, even_if_paused=True))
        return run.pk

    def _end_queued(self, turn: Turn, backfill: LiveBackfill) -> None:
        """The backfill was cancelled: end some of its runs that have not begun."""
        for _ in range(ENDED_A_TURN):
            waiting = backfill.queued.take()
            if waiting is None:
                return
            run = self._loading.fetch(turn.memory, waiting.pk)
            if run is not None:
                backfill.active.add(run.pk)  # until the turn counts it as ended
                if run.state is not RunState.QUEUED:
                    continue  # somebody marked it in this very turn
                turn.machine.cause = ("clock", None)
                reason = f"backfill {backfill.id} was cancelled"
                turn.machine.end_run(run, RunState.FAILED, reason, TaskState.SKIPPED)


def _note(turn: Turn, backfill: LiveBackfill, slot: SlotRow, result: SlotResult, run_pk: int | None) -> None:
    row = {"backfill_id": backfill.id, "number": slot.number, "result": result, "run_pk": run_pk}
    turn.batch.backfill_slots.append(row)
