"""A run takes another version of its DAG: tasks that are new get an instance, those that are gone become ``removed``."""

from __future__ import annotations

from dataclasses import replace

from tradewind.logic import mapping
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.run import RunRow, TaskInstanceRow
from tradewind.model.states import TASK_ACTIVE, TaskState
from tradewind.scheduler import waits
from tradewind.scheduler.loading import Loading
from tradewind.scheduler.rows import instance_row, new_instance_row, run_row
from tradewind.scheduler.turn import Turn


def take_version(turn: Turn, old: LiveRun, plan: Plan, version_id: str, loading: Loading) -> LiveRun:
    """The run on another version. What runs of it goes on; only attempts of tasks that are gone are ended."""
    turn.insert_instances()
    rows = {(row.task_id, row.map_index): row for row in loading.instances(old.pk)}
    for number in list(old.numbers()):
        if not _is_in(plan, old.task(number).task_id, old.map_index(number)):
            _remove(turn, old, number, f"its task is not in the version {version_id} that the run takes")
        row = _row_of(old, number)
        rows[row.task_id, row.map_index] = row
    turn.batch.task_instances += [
        instance_row(old, number) for number in sorted(old.dirty) if old.pks[number]
    ]
    old.dirty.clear()
    old.run_dirty = False
    kept = [row for row in rows.values() if _is_in(plan, row.task_id, row.map_index)]
    fresh = LiveRun.restore(
        plan, _run_row_of(old, version_id), kept + _added(turn, old, plan, kept), old.even_if_paused
    )
    loading.know_lengths(fresh)
    for task, length in old.lengths.items():  # what was left in this turn is not in the store yet
        for number in fresh.named(old.plan.tasks[task].task_id):
            mapping.left(fresh, number, length)
    for block in old.blocks.values():
        for index in (index for index, left in enumerate(block.left) if left):
            for number in fresh.named(old.label(block.numbers[index])):
                mapping.left(fresh, number, None)
    for block in fresh.blocks.values():
        # Its task was gone; which of the instances are too many is found out anew.
        if fresh.states[block.task] is TaskState.REMOVED:
            block.length = len(block.numbers)
    number_of = {fresh.pks[number]: number for number in fresh.numbers()}
    fresh.losses = {number_of[old.pks[n]]: lost for n, lost in old.losses.items() if old.pks[n] in number_of}
    fresh.waits = {number_of[old.pks[n]]: wait for n, wait in old.waits.items() if old.pks[n] in number_of}
    turn.batch.runs.append(run_row(fresh))
    _put_in_place(turn, old, fresh, number_of)
    for number in list(fresh.numbers()):
        if fresh.states[number] is TaskState.REMOVED and fresh.map_index(number) < 0:
            turn.machine.move(fresh, number, None, "its task is back in the version that the run takes")
    return fresh


def _is_in(plan: Plan, task_id: str, map_index: int) -> bool:
    """Whether the version has such an instance: its task, mapped where it is one of many."""
    number = plan.index.get(task_id)
    return number is not None and (map_index < 0 or number in plan.domains)


def _remove(turn: Turn, run: LiveRun, number: int, reason: str) -> None:
    if run.states[number] is not TaskState.REMOVED:
        turn.machine.drop_attempt(run, number, reason)
        turn.machine.move(run, number, TaskState.REMOVED, reason)


def _added(turn: Turn, old: LiveRun, plan: Plan, kept: list[TaskInstanceRow]) -> list[TaskInstanceRow]:
    """Rows for the tasks that have none."""
    known = {row.task_id for row in kept}
    new = [task for task in plan.tasks if task.task_id not in known]
    pks = turn.around.writer.insert_task_instances(old.pk, [new_instance_row(task) for task in new])
    return [
        TaskInstanceRow(pk=pk, run_pk=old.pk, task_id=task.task_id, max_tries=task.retries)
        for pk, task in zip(pks, new, strict=True)
    ]


def _put_in_place(turn: Turn, old: LiveRun, fresh: LiveRun, number_of: dict[int, int]) -> None:
    """Wherever the run as it was is known, by itself or by the numbers of its instances, let it be the new one."""
    memory, delta = turn.memory, turn.machine.delta
    memory.runs[fresh.pk] = fresh
    for attempt in (*memory.attempts.values(), *memory.waiting_callbacks):
        if attempt.run is old and attempt.number < 0:  # a callback of the run itself
            attempt.run = fresh
        elif attempt.run is old and old.pks[attempt.number] in number_of:
            attempt.run, attempt.number = fresh, number_of[old.pks[attempt.number]]
    for number in old.numbers():
        memory.admission.release((old.pk, number))
    for name in ("ready", "released", "waits"):
        setattr(delta, name, [item for item in getattr(delta, name) if item[0] is not old])
    delta.waiting[:] = [
        (fresh, number_of[old.pks[n]]) if run is old else (run, n)
        for run, n in delta.waiting
        if run is not old or n in old.waits
    ]
    memory.past.renumbered(fresh)  # it is told anew of what they wait for, when they are looked at again
    delta.ended_runs[:] = [fresh if run is old else run for run in delta.ended_runs]
    dag = memory.dags.get(fresh.info.dag_id)
    if dag is not None:
        dag.queued.replace(fresh)
    for number in fresh.numbers():
        state = fresh.states[number]
        if state is TaskState.SCHEDULED:
            delta.ready.append((fresh, number))
        elif state in TASK_ACTIVE:
            memory.admission.ledger.take(memory.candidate(fresh, number, turn.around.default_executor))
        elif fresh.due_at[number] is not None:
            delta.waits.append((fresh, number))
        if state is TaskState.DEFERRED:
            waits.keep(memory, fresh, number, turn.around.default_executor)


def _row_of(run: LiveRun, number: int) -> TaskInstanceRow:
    """The instance as the store would have it."""
    row = instance_row(run, number)
    return TaskInstanceRow(
        pk=run.pks[number],
        run_pk=run.pk,
        task_id=run.task(number).task_id,
        map_index=run.map_index(number),
        state=run.states[number],
        try_number=run.try_numbers[number],
        max_tries=run.max_tries[number],
        attempt_id=run.attempt_id[number],
        due_at=run.due_at[number],
        start_date=run.start_dates[number],
        end_date=run.end_dates[number],
        reason=run.reasons[number],
        branch=row["branch"],
    )


def _run_row_of(run: LiveRun, version_id: str) -> RunRow:
    return RunRow(
        pk=run.pk,
        info=replace(run.info, version_id=version_id, start_date=run.start_date),
        state=run.state,
        end_date=run.end_date,
        reason=run.reason,
        even_if_paused=run.even_if_paused,
        stopped_by=run.stopped_by,
    )
