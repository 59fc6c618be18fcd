"""``why``: loads what the scheduler would, asks the functions that decide, and shows what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tradewind.cli.instances import find_instance
from tradewind.cli.invocation import Invocation
from tradewind.cli.records import attempt_record, callback_record, transition_record
from tradewind.cli.upcoming import held_back
from tradewind.logic.explain import (
    BackfillStanding,
    DagStanding,
    Explanation,
    explain_dag,
    explain_run,
    explain_task,
    no_scheduler,
)
from tradewind.model.run import RunRow
from tradewind.model.states import RUN_FINAL, TASK_FINAL, RunState, TaskState

if TYPE_CHECKING:
    from tradewind.logic.live_run import LiveRun
    from tradewind.scheduler.loading import Loading
    from tradewind.scheduler.memory import Memory
    from tradewind.scheduler.queue import RunQueue
    from tradewind.store.callbacks import CallbackRow


UNKNOWN = 1 << 30  #: a number of places that never runs out


class Reasons:
    """Explains DAGs, runs and tasks as they stand in the store."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._system = invocation.system

    def show_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Why a task instance is as it is."""
        run_row = self._invocation.run_of(dag_id, run_id)
        instance = find_instance(self._invocation, run_row, task_id)
        run = self._live(run_row)
        (number,) = run.named(instance.label)
        candidate = self._memory.candidate(run, number, self._system.settings.core.executor)
        now = self._system.clock.now()
        ledger, past = self._memory.admission.ledger, self._memory.past
        found = [explain_task(run, number, now, ledger, candidate, self._waiting(), past)]
        open_ = instance.state not in TASK_FINAL and run.state not in RUN_FINAL
        if open_ and run.state is RunState.QUEUED:
            found = self._of_run(run)
        attempts = [attempt_record(row) for row in self._system.attempts.of_task_instance(instance.pk)]
        about = {
            "dag_id": dag_id,
            "run_id": run.info.run_id,
            "task_id": instance.task_id,
            "map_index": instance.map_index,
            "state": instance.state,
            "try_number": instance.try_number,
        }
        story = [transition_record(row) for row in self._system.attempts.story(run.pk, instance.pk)]
        callbacks = self._system.callbacks.find(dag_id, run.info.run_id, task_id)
        self._show(about, found, open_=open_, story=story, attempts=attempts, callbacks=callbacks)

    def show_run(self, dag_id: str, run_id: str) -> None:
        """Why a run is as it is."""
        row = self._invocation.run_of(dag_id, run_id)
        run = self._live(row)
        found = self._of_run(run)
        if run.state is RunState.RUNNING:
            found += self._of_waiting_tasks(run)
        found += [
            Explanation(
                f"Its deadline of {one.due_at.isoformat()} was missed.", f"tradewind deadlines list {dag_id}"
            )
            for one in self._system.deadlines.find(dag_id, run.info.run_id)
            if one.missed
        ]
        about = {"dag_id": dag_id, "run_id": run.info.run_id, "state": run.state}
        story = [transition_record(one) for one in self._system.attempts.story(run.pk) if one.ti_pk is None]
        callbacks = [
            one for one in self._system.callbacks.find(dag_id, run.info.run_id) if one.request.of_run
        ]
        self._show(about, found, open_=run.state not in RUN_FINAL, story=story, callbacks=callbacks)

    def show_dag(self, dag_id: str) -> None:
        """Why a DAG makes runs, or none."""
        standing = self._standing(dag_id)
        found = explain_dag(standing, self._system.clock.now())
        row = self._system.dags.get(dag_id)
        if row.is_stale:
            here = [one for one in self._system.imports.errors(row.folder) if one.file == row.file]
            found += [Explanation(f"{one.file}: {one.message}") for one in here]
        about = {"dag_id": dag_id, "is_paused": standing.paused, "is_stale": standing.is_stale}
        self._show(about, found, open_=True)

    # -- inside -------------------------------------------------------------------------------------------------------------

    def _show(
        self,
        about: dict[str, Any],
        found: list[Explanation],
        *,
        open_: bool,
        story: list[dict[str, Any]] | None = None,
        attempts: list[dict[str, Any]] | None = None,
        callbacks: Sequence[CallbackRow] = (),
    ) -> None:
        found = [*found, *callback_explanations(callbacks)]
        if open_ and not self._invocation.scheduler_runs:
            found = [*found, no_scheduler()]
        printer = self._invocation.printer
        if not printer.for_people:
            told = [{"text": one.text, "cure": one.cure or None} for one in found]
            extra = {} if story is None else {"story": story}
            extra |= {} if attempts is None else {"attempts": attempts}
            extra |= {"callbacks": [callback_record(row) for row in callbacks]} if callbacks else {}
            printer.record({**about, "explanations": told, **extra})
            return
        names = [str(about[key]) for key in ("dag_id", "run_id", "task_id") if key in about]
        if about.get("map_index", -1) >= 0:
            names[-1] += f"[{about['map_index']}]"
        state = f": {about['state'] or 'no state yet'}" if "state" in about else ""
        printer.line(" ".join(names) + state)
        for one in found:
            printer.line(f"  {one.text}")
            if one.cure:
                printer.line(f"    -> {one.cure}")
        if story:
            printer.line()
            printer.records(story, ("timestamp", "old_state", "new_state", "reason"))

    def _of_run(self, run: LiveRun) -> list[Explanation]:
        dag = self._memory.dags.get(run.info.dag_id)
        if dag is None or run.state is not RunState.QUEUED:
            return explain_run(run, self._standing(run.info.dag_id))
        backfill = dag.backfill
        if backfill is not None and run in backfill.queued:
            standing = BackfillStanding(
                id=backfill.id,
                paused=backfill.paused,
                cancelled=backfill.cancelled_at is not None,
                active=len(backfill.active),
                max_active_runs=backfill.max_active_runs,
            )
            return explain_run(run, standing, _ahead(backfill.queued, run))
        return explain_run(run, self._standing(run.info.dag_id), _ahead(dag.queued, run))

    def _of_waiting_tasks(self, run: LiveRun) -> list[Explanation]:
        """Of the tasks that are at work or could be: what each of the first few does."""
        now, default = self._system.clock.now(), self._system.settings.core.executor
        ledger, others = self._memory.admission.ledger, self._waiting()
        found: list[Explanation] = []
        for number in run.numbers():
            state = run.states[number]
            if state is not None and state not in TASK_FINAL and len(found) < 10:
                candidate = self._memory.candidate(run, number, default)
                told = explain_task(run, number, now, ledger, candidate, others, self._memory.past)
                found.append(Explanation(f"{run.label(number)} ({state}): {told.text}", told.cure))
            elif state is None and self._memory.past(run, number) is not None and len(found) < 10:
                candidate = self._memory.candidate(run, number, default)
                told = explain_task(run, number, now, ledger, candidate, others, self._memory.past)
                found.append(Explanation(f"{run.label(number)}: {told.text}", told.cure))
        return found

    def _standing(self, dag_id: str) -> DagStanding:
        row = self._system.dags.get(dag_id)
        spec = self._system.dags.current_version(dag_id).spec
        counts = self._system.runs.open_counts([dag_id]).get(dag_id, {})
        return DagStanding(
            dag_id=dag_id,
            paused=row.paused,
            paused_reason=row.paused_reason or "",
            is_stale=row.is_stale,
            scheduled=spec.timetable is not None,
            next_run_after=row.next_run_after,
            active=counts.get(RunState.RUNNING, 0),
            queued=counts.get(RunState.QUEUED, 0),
            max_active_runs=spec.max_active_runs,
            held_back=held_back(self._system, row, spec, self._system.clock.now()),
        )

    @cached_property
    def _loading(self) -> Loading:
        from tradewind.scheduler.loading import Loading

        return Loading(self._system.store)

    @cached_property
    def _memory(self) -> Memory:
        """What a scheduler that starts now would have in memory, with what is in use."""
        from tradewind.scheduler.waits import keep

        memory = self._loading.everything()
        settings = self._system.settings
        ledger = memory.admission.ledger
        # What other executors take at once is known to their workers alone; it is nothing that could be named here.
        ledger.executors = defaultdict(lambda: UNKNOWN, local=settings.core.parallelism, inline=1)
        for run in memory.runs.values():
            for number in run.numbers():
                if run.states[number] in (TaskState.QUEUED, TaskState.RUNNING, TaskState.RESTARTING):
                    ledger.take(memory.candidate(run, number, settings.core.executor))
                elif run.states[number] is TaskState.DEFERRED:
                    keep(memory, run, number, settings.core.executor)
        return memory

    def _live(self, row: RunRow) -> LiveRun:
        return self._loading.run(self._memory, row.info.dag_id, row.info.run_id)

    def _waiting(self) -> list[Any]:
        default = self._system.settings.core.executor
        return [
            self._memory.candidate(run, number, default)
            for run in self._memory.runs.values()
            for number in run.numbers()
            if run.states[number] is TaskState.SCHEDULED
        ]


def callback_explanations(rows: Sequence[CallbackRow]) -> Iterator[Explanation]:
    """What of the callbacks has not gone well, or not gone yet; of each the newest attempt counts."""
    newest = {(row.request.names, row.request.try_number, row.request.deadline): row for row in rows}
    for row in newest.values():
        attempt, request = row.attempt, row.request
        what = f"Its {request.event}" + (f" of try {request.try_number}" if not request.of_run else "")
        place = "" if request.of_run else f" {request.task_id}"
        logs = f"tradewind callbacks logs {row.dag_id} {row.run_id}{place}"
        if attempt.outcome in ("failed", "lost"):
            yield Explanation(f"{what} did not end well: {attempt.reason}", logs)
        elif attempt.outcome is None:
            how = "is being called" if attempt.started_at else "waits to be called"
            yield Explanation(f"{what} {how}.")


def _ahead(queue: RunQueue, run: LiveRun) -> int:
    """How many runs stand before this one."""
    return [other.pk for other in queue].index(run.pk)
