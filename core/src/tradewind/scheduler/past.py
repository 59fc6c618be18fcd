"""The runs before those in flight: found once, read once, and current from then on.

Only DAGs with a task that looks at its past cost anything here. An instance that waits for a task of an earlier run is
noted under that very task, and looked at again in the turn in which it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradewind.logic.live_run import LiveRun, Transition
from tradewind.logic.past import PreviousRun, StatesOf, held_back, looks_back, states_in
from tradewind.model.run import RunInfo, RunRow
from tradewind.model.states import RunState, RunType, TaskState

_Instance = tuple[int, int]  # (pk of the run, number of the instance)


class History(Protocol):
    """What the store knows of runs (see :class:`tradewind.store.past.PastRepository`)."""

    def previous_of(self, run: RunInfo, *, scheduled: bool) -> RunRow | None: ...

    def task_states(self, run_pk: int) -> dict[str, tuple[TaskState | None, ...]]: ...

    def had_task(self, dag_id: str, task_id: str, before: datetime) -> bool: ...

    def is_first_of_backfill(self, run_pk: int) -> bool: ...

    def newest_ended(self, dag_id: str, most: int) -> list[tuple[int, datetime | None, RunState]]: ...


@dataclass(slots=True)
class _Link:
    """Which run comes before a run."""

    run: LiveRun
    is_first: bool  #: the first of its backfill
    pk: int | None = None  #: of the run before; ``None``: there is none
    run_id: str = ""
    logical_date: datetime | None = None


class EarlierRuns:
    """Answers whether the past holds an instance back; it is the ``past`` of a :class:`~tradewind.logic.machine.Machine`.

    :param live: the runs in memory; what they say goes before what the store says.
    """

    def __init__(self, history: History | None, live: Mapping[int, LiveRun]) -> None:
        self._known = history
        self._live = live
        self._links: dict[str, dict[int, _Link]] = {}  # by DAG, by the pk of the later run
        self._followers: dict[int, set[int]] = {}  # by the pk of the earlier run
        self._gone: dict[int, LiveRun] = {}  # earlier runs that are in memory no longer, as they were last
        self._stored: dict[int, dict[str, tuple[TaskState | None, ...]]] = {}
        self._waiting: dict[tuple[int, str], set[_Instance]] = {}
        # what this turn made or let go of, which the store does not know yet
        self._made: dict[str, list[tuple[RunInfo, int]]] = {}
        self._went: list[int] = []

    def __call__(self, run: LiveRun, number: int) -> str | None:
        """Why the instance has to wait for an earlier run, or ``None``."""
        task = run.task(number)
        if not looks_back(task):
            return None
        link = self._link(run)
        previous = None
        if link.pk is not None:
            previous = PreviousRun(link.run_id, link.logical_date, self._states(link.pk))
        info = run.info
        held = held_back(
            task,
            run.plan.spec,
            previous,
            first_of_backfill=link.is_first,
            was_there_before=lambda: self._was_there(info, task.task_id),
        )
        if held is None:
            return None
        if link.pk is not None:
            self._waiting.setdefault((link.pk, held.waits_for), set()).add((run.pk, number))
        return held.reason

    # -- what happened ---------------------------------------------------------------------------------------

    def turn_begins(self) -> None:
        """What earlier turns did is in the store by now."""
        if self._made:
            self._made.clear()
        for pk in self._went:
            if pk not in self._followers:
                self._gone.pop(pk, None)
        self._went.clear()

    def made(self, info: RunInfo, pk: int) -> None:
        """A run was made: it may come between a run in flight and the one before that."""
        date = info.logical_date
        if date is None:
            return
        self._made.setdefault(info.dag_id, []).append((info, pk))
        for link in self._links.get(info.dag_id, {}).values():
            after, before = link.run.info.logical_date, link.logical_date
            between = after is not None and date < after and (before is None or before < date)
            if between and _counts(info, scheduled=link.run.plan.spec.catchup):
                self._relink(link, info, pk)

    def let_go(self, run: LiveRun) -> None:
        """A run is in memory no longer."""
        self._gone[run.pk] = run
        self._went.append(run.pk)
        link = self._links.get(run.info.dag_id, {}).pop(run.pk, None)
        if link is not None:
            self._unfollow(run.pk, link.pk)
            if not self._links[run.info.dag_id]:
                del self._links[run.info.dag_id]

    def renumbered(self, run: LiveRun) -> None:
        """The run took another version, in which its instances have other numbers: who waits is noted anew."""
        link = self._links.get(run.info.dag_id, {}).pop(run.pk, None)
        if link is not None:
            self._unfollow(run.pk, link.pk)
        for waiting in self._waiting.values():
            waiting -= {it for it in waiting if it[0] == run.pk}

    def wake(self, transitions: Iterable[Transition]) -> Iterator[_Instance]:
        """The instances that wait for what has just ended well."""
        if not self._waiting:
            return
        for it in transitions:
            if it.instance is not None and it.new in (TaskState.SUCCESS, TaskState.SKIPPED):
                key = (it.run.pk, it.run.task(it.instance).task_id)
                yield from sorted(self._waiting.pop(key, ()))

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def _history(self) -> History:
        assert self._known is not None, "a memory that was not loaded has no runs that could look back"
        return self._known

    def _link(self, run: LiveRun) -> _Link:
        links = self._links.setdefault(run.info.dag_id, {})
        link = links.get(run.pk)
        if link is None:
            is_first = run.info.run_type is RunType.BACKFILL and self._history.is_first_of_backfill(run.pk)
            link = links[run.pk] = _Link(run, is_first)
            found = self._find(run)
            if found is not None:
                self._relink(link, *found)
        return link

    def _find(self, run: LiveRun) -> tuple[RunInfo, int] | None:
        """The run before: what is in the store, or was made in this very turn."""
        date, scheduled = run.info.logical_date, run.plan.spec.catchup
        if date is None:
            return None
        found = [
            (_date(info), pk, info)
            for info, pk in self._made.get(run.info.dag_id, ())
            if _date(info) < date and _counts(info, scheduled=scheduled)
        ]
        row = self._history.previous_of(run.info, scheduled=scheduled)
        if row is not None:
            found.append((_date(row.info), row.pk, row.info))
        if not found:
            return None
        _, pk, info = max(found, key=lambda one: one[:2])
        return info, pk

    def _relink(self, link: _Link, info: RunInfo, pk: int) -> None:
        old = link.pk
        link.pk, link.run_id, link.logical_date = pk, info.run_id, info.logical_date
        self._followers.setdefault(pk, set()).add(link.run.pk)
        if old is not None:
            for (earlier, task_id), waiting in list(self._waiting.items()):
                moved = {it for it in waiting if earlier == old and it[0] == link.run.pk}
                if moved:
                    waiting -= moved
                    self._waiting.setdefault((pk, task_id), set()).update(moved)
            self._unfollow(link.run.pk, old)

    def _unfollow(self, later: int, earlier: int | None) -> None:
        followers = self._followers.get(earlier) if earlier is not None else None
        if earlier is None or followers is None:
            return
        followers.discard(later)
        if not followers:
            del self._followers[earlier]
            self._stored.pop(earlier, None)
            for key in [key for key in self._waiting if key[0] == earlier]:
                del self._waiting[key]
            if earlier not in self._went:
                self._gone.pop(earlier, None)

    def _states(self, pk: int) -> StatesOf:
        run = self._live.get(pk) or self._gone.get(pk)
        if run is not None:
            return states_in(run)
        if any(pk == made for runs in self._made.values() for _, made in runs):
            return lambda _task_id: (None,)  # it has just been made; the store cannot be asked yet
        stored = self._stored.get(pk)
        if stored is None:
            stored = self._stored[pk] = self._history.task_states(pk)
        return lambda task_id: stored.get(task_id, ())

    def _was_there(self, info: RunInfo, task_id: str) -> bool:
        return self._history.had_task(info.dag_id, task_id, _date(info))


def _date(info: RunInfo) -> datetime:
    """The logical date of a run that has one before it, or comes before one: such a run has a date."""
    assert info.logical_date is not None
    return info.logical_date


def _counts(info: RunInfo, *, scheduled: bool) -> bool:
    """Whether the run can be another one's past."""
    return not scheduled or info.run_type in (RunType.SCHEDULED, RunType.BACKFILL)
