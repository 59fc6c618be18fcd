"""``tradewind run FILE``: one run of one DAG file, from the file to the end.

Where no scheduler is running, this process is the scheduler until the run has ended; where one is, it is asked for
the run and followed; and where that one dies in between, this process takes its place.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.app.importing import import_visitor
from tradewind.app.progress import Progress, RunBegan, RunChanged, TaskChanged, Watcher
from tradewind.errors import DefinitionError, NotFound
from tradewind.model.commands import MarkRun, TriggerRun
from tradewind.model.run import instance_label
from tradewind.model.states import RUN_FINAL, RunState

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.logic.live_run import Transition
    from tradewind.model.run import RunRow, TaskInstanceRow
    from tradewind.scheduler.scheduler import Scheduler
    from tradewind.scheduler.triggers import TriggererAccess

LOOK_EVERY = 0.05  #: seconds between looks at a run that another process works on


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is asked for. ``dag_id`` may be left out where the file has one DAG."""

    file: Path
    dag_id: str | None = None
    logical_date: datetime | None = None
    conf: dict[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    executor: str | None = None


def run_file(system: System, request: RunRequest, watch: Watcher) -> dict[str, Any]:
    """Run one DAG run of a file to its end.

    :returns: ``{"dag_id", "run_id", "state", "start_date", "end_date", "tasks": {task_id: {...}}}``, times in ISO 8601.
    :raises ImportTimeError: where the file cannot be imported.
    :raises NotFound: where there is no such file, or no such DAG in it.
    :raises KeyboardInterrupt: after Ctrl-C, once the run was ended as failed.
    """
    if not request.file.is_file():
        raise NotFound("file", str(request.file))
    with _executors(system, request.executor or system.settings.core.executor) as (name, executors):
        versions = import_visitor(system, request.file)
        dag_id = _the_dag(request, versions)
        command = TriggerRun(
            dag_id=dag_id,
            run_id=request.run_id,
            logical_date=request.logical_date,
            conf=request.conf,
            version_id=versions[dag_id],
            even_if_paused=True,
        )
        return _Runner(system, watch, name, executors).run(command)


def _the_dag(request: RunRequest, versions: Mapping[str, str]) -> str:
    if request.dag_id is not None:
        if request.dag_id not in versions:
            raise NotFound(f"DAG in {request.file.name} named", request.dag_id, versions)
        return request.dag_id
    if not versions:
        raise DefinitionError(
            "There is no DAG in the file. A DAG is found where it is used as `with DAG(...)`, or stands in a variable of "
            "the module; a function under @dag has to be called.",
            str(request.file),
        )
    if len(versions) > 1:
        raise DefinitionError(
            f"There are {len(versions)} DAGs in the file: {', '.join(sorted(versions))}. Say which with --dag-id.",
            str(request.file),
        )
    return next(iter(versions))


@contextmanager
def _executors(system: System, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The executor of the run; the local one's agent is forked first, before anything else is imported or opened."""
    from tradewind.app.agents import inline_executor, own_agent

    if name == "inline":
        yield name, {"inline": inline_executor(system)}
    elif name == "local":
        with own_agent(system) as executor:
            yield name, {"local": executor}
    else:
        yield name, {name: system.plugins.get("executor", name)()}


class _Runner:
    """Sees one run to its end."""

    def __init__(self, system: System, watch: Watcher, executor: str, executors: dict[str, Any]) -> None:
        self._system = system
        self._watch = watch
        self._executor = executor
        self._executors = executors
        self._command_id = ""
        self._interrupted = False
        self._row: RunRow | None = None

    def run(self, command: TriggerRun) -> dict[str, Any]:
        self._command_id = self._system.submit(command)
        self._dag_id = command.dag_id
        with self._interruptible():
            while not self._ended():
                if self._system.lock.try_acquire("run"):
                    try:
                        self._schedule()
                    finally:
                        self._system.lock.release()
                else:
                    self._follow()
        if self._interrupted:
            raise KeyboardInterrupt
        assert self._row is not None
        return report(self._row, self._system.runs.task_instances(self._row.pk))

    def _ended(self) -> bool:
        self._find()
        return self._row is not None and self._row.state in RUN_FINAL

    def _find(self) -> None:
        """Read the run; it is there once the command was applied."""
        from tradewind.app.system import result_of

        if self._row is not None:
            self._row = self._system.runs.by_pk(self._row.pk)
            return
        given = self._system.commands.get(self._command_id)
        if given is not None and given.applied_at is not None:
            self._row = self._system.runs.get(self._dag_id, result_of(given)["run_id"])
            self._began("")

    def _began(self, note: str) -> None:
        assert self._row is not None
        tasks = tuple(it.label for it in self._system.runs.task_instances(self._row.pk))
        self._watch(RunBegan(self._dag_id, self._row.info.run_id, tasks, note))

    # -- as the scheduler ------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        from tradewind.app.triggerers import own_triggerer

        with own_triggerer(self._system) as triggerer:
            self._schedule_with(triggerer)

    def _schedule_with(self, triggerer: TriggererAccess) -> None:
        from tradewind.scheduler.scheduler import Scheduler

        mine = frozenset([self._row.pk] if self._row is not None else [])
        parts = self._system.scheduler_parts(
            self._executors,
            serves_all=False,
            bell=True,
            runs=mine,
            default_executor=self._executor,
            triggerer=triggerer,
        )
        scheduler = Scheduler(parts)
        scheduler.listeners.append(self._tell)
        try:
            scheduler.start()
            scheduler.serve(lambda: self._done(scheduler))
        finally:
            scheduler.close()

    def _done(self, scheduler: Scheduler) -> bool:
        if self._row is None:
            self._find()
        if self._interrupted and self._row is not None and self._row.pk in scheduler.memory.runs:
            self._interrupted_run()
            scheduler.ring()
        if self._row is None or scheduler.has_work or scheduler.memory.has_callbacks:
            return False
        # A run that a task asked for may wait for its DAG to be switched on; that is not this process's to wait for.
        runs = scheduler.memory.runs
        return self._row.pk not in runs and not any(run.state is RunState.RUNNING for run in runs.values())

    def _tell(self, transitions: list[Transition]) -> None:
        if self._row is None:
            self._find()
        now = self._system.clock.now()
        for it in transitions:
            if self._row is None or it.run.pk != self._row.pk:
                continue
            if it.instance is None:
                self._watch(RunChanged(str(it.new), now, it.reason))
            else:
                run, number = it.run, it.instance
                self._watch(TaskChanged(run.label(number), it.new, run.try_numbers[number], now, it.reason))

    # -- beside a scheduler ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Look at what another scheduler makes of the run, until it ends or the scheduler does."""
        seen = 0
        told: list[Progress] = []
        while not self._ended():
            if self._row is not None:
                told = self._since(seen)
                for progress in told:
                    self._watch(progress)
                seen += len(told)
            if self._interrupted:
                self._interrupted_run()
            if self._system.scheduler is None:
                return
            time.sleep(LOOK_EVERY)
        for progress in self._since(seen):
            self._watch(progress)

    def _since(self, seen: int) -> list[Progress]:
        assert self._row is not None
        tries = {it.label: it.try_number for it in self._system.runs.task_instances(self._row.pk)}
        return [
            RunChanged(str(it.new), it.at, it.reason)
            if it.task_id is None
            else TaskChanged(
                label := instance_label(it.task_id, it.map_index),
                it.new,
                tries.get(label, 0),
                it.at,
                it.reason,
            )
            for it in self._system.attempts.story(self._row.pk)[seen:]
        ]

    # -- Ctrl-C ----------------------------------------------------------------------------------------------

    def _interrupted_run(self) -> None:
        """Have the run ended, once."""
        if self._row is not None and not self._asked_to_end:
            self._asked_to_end = True
            self._system.submit(
                MarkRun(dag_id=self._dag_id, run_id=self._row.info.run_id, state=RunState.FAILED)
            )

    _asked_to_end = False

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first Ctrl-C or SIGTERM ends the run in order, the second ends this process at once."""

        def note(signum: int, _frame: object) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def report(row: RunRow, instances: list[TaskInstanceRow]) -> dict[str, Any]:
    """The run as plain data."""
    tasks = {
        it.label: {
            "state": it.state,
            "try_number": it.try_number,
            "start_date": _text(it.start_date),
            "end_date": _text(it.end_date),
            "reason": it.reason,
        }
        for it in instances
    }
    return {
        "dag_id": row.info.dag_id,
        "run_id": row.info.run_id,
        "state": row.state,
        "logical_date": _text(row.info.logical_date),
        "start_date": _text(row.info.start_date),
        "end_date": _text(row.end_date),
        "reason": row.reason,
        "tasks": tasks,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")
