"""Attempts, their claims, and the log of transitions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, null, or_, select, update

from tradewind.model.ids import SHARDS
from tradewind.store.engine import Store
from tradewind.store.rows import AttemptRow, ProblemRow, TransitionRow
from tradewind.store.tables import attempt, problem, task_instance, transition

_NAMES = tuple(AttemptRow.__dataclass_fields__)
#: one shard at a time, which the key answers at once; grouping by shard would read the whole log
_NEWEST_TRANSITION = select(func.max(transition.c.n)).where(transition.c.shard == bindparam("shard"))
_ATTEMPT = select(*(attempt.c[name] for name in _NAMES)).order_by(attempt.c.id)


class AttemptRepository:
    """Looks attempts and transitions up, and lets workers claim."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_attempts(self, shards: Collection[int] | None = None) -> list[AttemptRow]:
        """All attempts that have not ended, oldest first: what was promised to executors."""
        query = _ATTEMPT.where(attempt.c.open.is_not(None))
        if shards is not None:
            query = query.where(attempt.c.shard.in_(sorted(shards)))
        with self._store.read() as connection:
            return [_attempt_of(row) for row in connection.execute(query)]

    def get(self, attempt_id: str) -> AttemptRow | None:
        """The attempt of this id."""
        with self._store.read() as connection:
            row = connection.execute(_ATTEMPT.where(attempt.c.id == attempt_id)).one_or_none()
        return None if row is None else _attempt_of(row)

    def of_task_instance(self, ti_pk: int) -> list[AttemptRow]:
        """All attempts of a task instance, oldest first; not those of its callbacks."""
        query = _ATTEMPT.where(attempt.c.ti_pk == ti_pk, attempt.c.kind == "task")
        with self._store.read() as connection:
            return [_attempt_of(row) for row in connection.execute(query)]

    def claim(self, attempt_id: str, session: str, at: datetime) -> bool:
        """Claim an attempt for a worker session, before user code runs; asking twice gives the same answer.

        :returns: ``False``: do not run it: somebody else has it, or it is over.
        """
        statement = (
            update(attempt)
            .where(
                attempt.c.id == attempt_id,
                attempt.c.revoked_at.is_(null()),
                attempt.c.ended_at.is_(null()),
                or_(attempt.c.claimed_by.is_(null()), attempt.c.claimed_by == session),
            )
            .values(claimed_by=session, claimed_at=at)
        )
        with self._store.write() as connection:
            return connection.execute(statement).rowcount == 1

    def story(self, run_pk: int, ti_pk: int | None = None) -> list[TransitionRow]:
        """What happened in a run, in order; with ``ti_pk``, to that task instance alone."""
        query = (
            select(transition, task_instance.c.task_id, task_instance.c.map_index)
            .outerjoin(task_instance, task_instance.c.id == transition.c.ti_pk)
            .where(transition.c.run_pk == run_pk)
            .order_by(transition.c.n)
        )
        if ti_pk is not None:
            query = query.where(transition.c.ti_pk == ti_pk)
        with self._store.read() as connection:
            return [_transition_of(row) for row in connection.execute(query)]

    def transitions_after(self, shard: int, n: int, limit: int = 500) -> list[TransitionRow]:
        """The log of a shard from behind number ``n``, for whoever follows it."""
        query = (
            select(transition, task_instance.c.task_id, task_instance.c.map_index)
            .outerjoin(task_instance, task_instance.c.id == transition.c.ti_pk)
            .where(transition.c.shard == shard, transition.c.n > n)
            .order_by(transition.c.n)
            .limit(limit)
        )
        with self._store.read() as connection:
            return [_transition_of(row) for row in connection.execute(query)]

    def newest_transitions(self) -> dict[int, int]:
        """The highest number in each shard's log; shards without any are left out."""
        with self._store.read() as connection:
            found = ((no, connection.scalar(_NEWEST_TRANSITION, {"shard": no})) for no in range(SHARDS))
            return {no: n for no, n in found if n is not None}

    def problems(self, run_pk: int | None = None, limit: int = 100) -> list[ProblemRow]:
        """What the scheduler put aside, newest first."""
        query = select(problem).order_by(problem.c.id.desc()).limit(limit)
        if run_pk is not None:
            query = query.where(problem.c.run_pk == run_pk)
        with self._store.read() as connection:
            return [ProblemRow(**row) for row in connection.execute(query).mappings()]


def _attempt_of(row: Row[Any]) -> AttemptRow:
    return AttemptRow(**row._mapping)


def _transition_of(row: Row[Any]) -> TransitionRow:
    fields = dict(row._mapping)
    fields["map_index"] = -1 if fields["map_index"] is None else fields["map_index"]
    return TransitionRow(**fields)
