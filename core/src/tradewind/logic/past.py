"""Whether earlier runs of its DAG hold a task back: ``depends_on_past`` and ``wait_for_downstream``.

Which run is the previous one: of a DAG that catches up, the last one before by logical date that nobody asked for by hand;
of any other DAG, the last one before of whatever type. The verdict and its reason come from :func:`held_back` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from tradewind.logic.live_run import LiveRun
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunState, TaskState

_GOOD = frozenset({TaskState.SUCCESS, TaskState.SKIPPED})

#: the states of a task's instances in a run; empty where the run does not have the task
StatesOf = Callable[[str], tuple[TaskState | None, ...]]


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """The run before, as far as it matters."""

    run_id: str
    logical_date: datetime | None
    states_of: StatesOf


@dataclass(frozen=True, slots=True)
class Held:
    """Why an instance has to wait for the run before.

    :param waits_for: the task of that run whose end may change it.
    """

    reason: str
    waits_for: str


def states_in(run: LiveRun) -> StatesOf:
    """Looks states up in a run that is in memory."""

    def states_of(task_id: str) -> tuple[TaskState | None, ...]:
        number = run.plan.index.get(task_id)
        return () if number is None else tuple(run.states[one] for one in run.numbers_of(number))

    return states_of


def depends_on_past(dag: DagSpec) -> bool:
    """Whether any task of the DAG looks at the run before."""
    return any(looks_back(task) for task in dag.tasks)


def looks_back(task: TaskSpec) -> bool:
    """Whether the task looks at the run before; ``wait_for_downstream`` implies that it depends on its past."""
    return task.depends_on_past or task.wait_for_downstream


def held_back(
    task: TaskSpec,
    dag: DagSpec,
    previous: PreviousRun | None,
    *,
    first_of_backfill: bool = False,
    was_there_before: Callable[[], bool] = lambda: False,
) -> Held | None:
    """What of its past holds an instance of the task back, or ``None`` where it may start as far as that goes.

    :param previous: ``None``: there is no run before.
    :param first_of_backfill: its run is the first one of a backfill, which depends on no other.
    :param was_there_before: whether any earlier run has the task; asked only where the previous one does not.
    """
    if not looks_back(task) or first_of_backfill or previous is None:
        return None
    start = task.start_date or dag.start_date
    if dag.catchup and start is not None and previous.logical_date and previous.logical_date < start:
        return None
    own = previous.states_of(task.task_id)
    if not own:
        if task.ignore_first_depends_on_past and not was_there_before():
            return None
        return Held(
            f"depends_on_past: the previous run {previous.run_id} does not have this task", task.task_id
        )
    bad = [state for state in own if state not in _GOOD]
    if bad:
        return Held(
            f"waits for its previous run {previous.run_id}: {task.task_id} is {_named(bad)} there "
            f"(depends_on_past)",
            task.task_id,
        )
    if task.wait_for_downstream:
        for other in task.downstream:
            bad = [state for state in previous.states_of(other) if state not in _GOOD]
            if bad:
                return Held(
                    f"waits for its previous run {previous.run_id}: {other}, downstream of {task.task_id}, "
                    f"is {_named(bad)} there (wait_for_downstream)",
                    other,
                )
    return None


def failed_in_a_row(newest: Iterable[RunState], most: int) -> bool:
    """Whether the newest ``most`` runs that ended, newest first, all failed; 0 is no limit."""
    newest_states = list(islice(newest, most))
    return 0 < most == len(newest_states) and set(newest_states) == {RunState.FAILED}


def _named(states: list[TaskState | None]) -> str:
    return " and ".join(dict.fromkeys(str(state or "not looked at yet") for state in states))
