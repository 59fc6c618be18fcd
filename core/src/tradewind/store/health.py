"""Which schedulers and workers there are. ``beat`` grows while one lives; stored times are for people alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update

from tradewind.ports.executor import Session
from tradewind.store.engine import Store
from tradewind.store.rows import ProcessRow
from tradewind.store.tables import scheduler, task_instance, worker
from tradewind.store.tables_waits import wait

IMPORTER = "importer"  #: the kind of the one session that beats by itself

_BEAT_SCHEDULER = (
    update(scheduler)
    .where(scheduler.c.id == bindparam("it"))
    .values(beat=scheduler.c.beat + 1, beat_at=bindparam("now"))
)
_BEAT_WORKER = (
    update(worker)
    .where(worker.c.session == bindparam("it"))
    .values(beat=worker.c.beat + 1, beat_at=bindparam("now"), capacity=bindparam("takes"), ended_at=None)
)
_TRIGGERS_WAITED_FOR = (
    select(wait.c.attempt_id)
    .join(task_instance, task_instance.c.id == wait.c.ti_pk)
    .where(wait.c.kind == "trigger", task_instance.c.state == "deferred")
    .limit(1)
)


class HealthRepository:
    """Registers processes and their signs of life."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register_scheduler(self, *, id: str, host: str, pid: int, started_at: datetime) -> int:
        """A scheduler begins.

        :returns: its epoch, higher than that of any before it.
        """
        with self._store.write() as connection:
            newest = connection.execute(select(func.max(scheduler.c.epoch))).scalar()
            epoch = (newest or 0) + 1
            row = {
                "id": id,
                "epoch": epoch,
                "beat": 0,
                "host": host,
                "pid": pid,
                "started_at": started_at,
                "beat_at": started_at,
            }
            connection.execute(scheduler.insert(), row)
        return epoch

    def beat_scheduler(self, id: str, at: datetime, sessions: Sequence[Session] = ()) -> None:
        """A scheduler lives, and so do the sessions that are connected to it; those of its kinds that are not have ended."""
        with self._store.write() as connection:
            connection.execute(_BEAT_SCHEDULER, {"it": id, "now": at})
            for session in sessions:
                _beat(connection, session, at)
            others = (worker.c.kind != IMPORTER, worker.c.session.not_in([it.id for it in sessions]))
            connection.execute(update(worker).where(worker.c.ended_at.is_(None), *others).values(ended_at=at))

    def end_scheduler(self, id: str, at: datetime) -> None:
        """A scheduler ended."""
        with self._store.write() as connection:
            connection.execute(update(scheduler).where(scheduler.c.id == id).values(ended_at=at))

    def schedulers(self, *, ended: bool = False) -> list[ProcessRow]:
        """Schedulers, newest first; without ``ended`` those alone that did not say good-bye."""
        with self._store.read() as connection:
            rows = connection.execute(_newest_first(scheduler, ended)).all()
        return [
            ProcessRow(
                id=row.id,
                kind="scheduler",
                host=row.host,
                pid=row.pid,
                beat=row.beat,
                started_at=row.started_at,
                ended_at=row.ended_at,
                beat_at=row.beat_at,
                epoch=row.epoch,
            )
            for row in rows
        ]

    def beat_worker(self, session: Session, at: datetime) -> None:
        """The one session of its kind lives. The first time, it begins, and any other ended when it was heard of last."""
        with self._store.write() as connection:
            if _beat(connection, session, at):
                others = (worker.c.kind == session.kind, worker.c.session != session.id)
                connection.execute(
                    update(worker)
                    .where(worker.c.ended_at.is_(None), *others)
                    .values(ended_at=func.coalesce(worker.c.beat_at, worker.c.started_at))
                )

    def bury(self, id: str) -> None:
        """Nobody but this scheduler can be there: the others have ended when they were heard of last."""
        with self._store.write() as connection:
            others = update(scheduler).where(scheduler.c.id != id, scheduler.c.ended_at.is_(None))
            connection.execute(others.values(ended_at=scheduler.c.beat_at))

    def end_worker(self, session: str, at: datetime) -> None:
        """A worker session ended."""
        with self._store.write() as connection:
            connection.execute(update(worker).where(worker.c.session == session).values(ended_at=at))

    def triggers_are_waited_for(self) -> bool:
        """Whether a task waits for a trigger."""
        with self._store.read() as connection:
            return connection.execute(_TRIGGERS_WAITED_FOR).first() is not None

    def workers(self, *, ended: bool = False) -> list[ProcessRow]:
        """Worker sessions, newest first; without ``ended`` those alone that are not known to have ended."""
        with self._store.read() as connection:
            rows = connection.execute(_newest_first(worker, ended)).all()
        return [
            ProcessRow(
                id=row.session,
                kind=row.kind,
                host=row.host,
                pid=row.pid,
                beat=row.beat,
                started_at=row.started_at,
                ended_at=row.ended_at,
                beat_at=row.beat_at,
                capacity=row.capacity,
            )
            for row in rows
        ]


def _newest_first(table: Table, ended: bool) -> Any:
    query = select(table).order_by(table.c.started_at.desc())
    return query if ended else query.where(table.c.ended_at.is_(None))


def _beat(connection: Connection, session: Session, at: datetime) -> bool:
    """Note that the session lives; whether it is new."""
    known = connection.execute(_BEAT_WORKER, {"it": session.id, "now": at, "takes": session.capacity})
    if known.rowcount:
        return False
    row = {
        "session": session.id,
        "kind": session.kind,
        "host": session.host,
        "pid": session.pid,
        "capacity": session.capacity,
        "beat": 1,
        "started_at": at,
        "beat_at": at,
    }
    connection.execute(worker.insert(), row)
    return True
