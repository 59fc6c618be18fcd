"""Which schedulers and workers there are. ``beat`` grows while one lives; no stored time is ever compared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, select, update

from tradewind.store.engine import Store
from tradewind.store.rows import ProcessRow
from tradewind.store.tables import scheduler, worker


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

    def beat_scheduler(self, id: str, at: datetime) -> None:
        """A scheduler lives."""
        with self._store.write() as connection:
            connection.execute(
                update(scheduler).where(scheduler.c.id == id).values(beat=scheduler.c.beat + 1, beat_at=at)
            )

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
                epoch=row.epoch,
            )
            for row in rows
        ]

    def register_worker(
        self, *, session: str, kind: str, host: str, pid: int, capacity: int, started_at: datetime
    ) -> None:
        """A worker session begins; one that is there already goes on with these figures."""
        row = {"kind": kind, "host": host, "pid": pid, "capacity": capacity, "started_at": started_at}
        with self._store.write() as connection:
            known = connection.execute(select(worker.c.session).where(worker.c.session == session)).first()
            if known:
                connection.execute(
                    update(worker).where(worker.c.session == session).values({**row, "ended_at": None})
                )
            else:
                connection.execute(worker.insert(), {**row, "session": session, "beat": 0})

    def beat_worker(self, session: str) -> None:
        """A worker session lives."""
        with self._store.write() as connection:
            connection.execute(
                update(worker).where(worker.c.session == session).values(beat=worker.c.beat + 1)
            )

    def end_worker(self, session: str, at: datetime) -> None:
        """A worker session ended."""
        with self._store.write() as connection:
            connection.execute(update(worker).where(worker.c.session == session).values(ended_at=at))

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
                capacity=row.capacity,
            )
            for row in rows
        ]


def _newest_first(table: Table, ended: bool) -> Any:
    query = select(table).order_by(table.c.started_at.desc())
    return query if ended else query.where(table.c.ended_at.is_(None))
