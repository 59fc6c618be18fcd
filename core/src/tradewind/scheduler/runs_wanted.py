"""Runs that tasks of other DAGs ask for: made here, and the asking task told what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tradewind.errors import Conflict, Refused
from tradewind.logic.live_run import LiveRun
from tradewind.logic.run_waits import verdict_on
from tradewind.model.commands import ClearTasks, TriggerRun
from tradewind.model.messages import Asker, RunAnswered, RunRequest, RunWanted
from tradewind.model.outcomes import TriggersRun
from tradewind.scheduler.messages import post
from tradewind.store.rows import RunWatchRow

if TYPE_CHECKING:
    from tradewind.scheduler.commands import Commands
    from tradewind.scheduler.turn import Turn

_NOT_ENDED = {"queued", "running"}


def ask(turn: Turn, run: LiveRun, number: int, outcome: TriggersRun, attempt_id: str) -> None:
    """An attempt ended by asking for a run: pass that on to the owner of the DAG."""
    asker = Asker(
        dag_id=run.info.dag_id,
        run_pk=run.pk,
        label=run.label(number),
        ti_pk=run.pks[number],
        attempt_id=attempt_id,
    )
    try:
        request = msgspec.convert(outcome.payload, RunRequest)
    except msgspec.ValidationError as error:
        answer(turn, asker, "failed", f"it asked for a run in a way that is not understood: {error}")
        return
    wanted = RunWanted(
        dag_id=outcome.dag_id,
        request=request,
        asker=asker,
        wait=outcome.wait,
        even_if_paused=run.even_if_paused and outcome.wait,
    )
    post(turn, wanted, attempt_id, 0)


def take(turn: Turn, commands: Commands, wanted: RunWanted) -> None:
    """Make the run, or clear it; and answer at once, or when it has ended.

    :raises TradewindError: where there can be no such run.
    """
    dag_id, request = wanted.dag_id, wanted.request
    dag = turn.memory.dags.get(dag_id)
    if request.fail_paused and dag is not None and dag.paused:
        raise Refused(f"DAG {dag_id!r} is switched off, and fail_when_dag_is_paused is set.")
    there = commands.is_there(turn, dag_id, request.run_id)
    if there and request.skip_existing:
        answer(turn, wanted.asker, "skipped", f"DAG {dag_id!r} has a run {request.run_id!r} already")
        return
    who = f"{wanted.asker.dag_id}.{wanted.asker.label}"
    if there and not request.reset:
        raise Conflict(
            f"DAG {dag_id!r} has a run {request.run_id!r} already: give another trigger_run_id, or set "
            f"reset_dag_run or skip_when_already_exists."
        )
    if there:
        commands.carry_out(turn, ClearTasks(dag_id=dag_id, run_id=request.run_id), who)
    else:
        run = TriggerRun(
            dag_id=dag_id,
            run_id=request.run_id,
            logical_date=request.logical_date,
            conf=request.conf,
            note=request.note,
            even_if_paused=wanted.even_if_paused,
        )
        commands.carry_out(turn, run, who)
    if wanted.wait and not _NOT_ENDED.intersection(request.allowed_states):
        _watch(turn, wanted)
    else:
        answer(turn, wanted.asker, "succeeded", f"run {request.run_id!r} of DAG {dag_id!r} was made")


def tell_of_end(turn: Turn, run: LiveRun) -> None:
    """A run ended: tell those that wait for it."""
    for watch in turn.memory.run_watches.pop((run.info.dag_id, run.info.run_id), ()):
        turn.batch.ended_run_watches.append({"attempt_id": watch.attempt_id})
        request = msgspec.json.decode(watch.request, type=RunRequest)
        good, reason = verdict_on(
            watch.dag_id, watch.run_id, run.state, request.allowed_states, request.failed_states
        )
        asker = msgspec.json.decode(watch.asker, type=Asker)
        answer(turn, asker, "succeeded" if good else "failed", reason)


def answer(turn: Turn, asker: Asker, verdict: Literal["succeeded", "failed", "skipped"], reason: str) -> None:
    """Tell the asking task how it ends."""
    post(turn, RunAnswered(asker=asker, verdict=verdict, reason=reason), asker.attempt_id, 0)


def _watch(turn: Turn, wanted: RunWanted) -> None:
    row = RunWatchRow(
        attempt_id=wanted.asker.attempt_id,
        dag_id=wanted.dag_id,
        run_id=wanted.request.run_id,
        asker=msgspec.json.encode(wanted.asker).decode(),
        request=msgspec.json.encode(wanted.request).decode(),
    )
    turn.memory.run_watches.setdefault((row.dag_id, row.run_id), []).append(row)
    columns: dict[str, Any] = {name: getattr(row, name) for name in RunWatchRow.__dataclass_fields__}
    turn.batch.run_watches.append(columns)
