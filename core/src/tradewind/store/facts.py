"""The inbox's table door: facts from senders without a connection to the scheduler. Consumed by deletion."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from tradewind.errors import Conflict
from tradewind.store.engine import Store
from tradewind.store.rows import FactRow
from tradewind.store.tables import fact


class FactRepository:
    """Hands facts in, and lists those that wait. The scheduler deletes them as it applies them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, *, shard: int, attempt_id: str, session: str, n: int, kind: str, body: bytes) -> None:
        """Hand a fact in.

        :param n: the sender's own number for it; the same a second time changes nothing while the first one
            waits.
        """
        row = {
            "shard": shard,
            "attempt_id": attempt_id,
            "session": session,
            "n": n,
            "kind": kind,
            "body": body,
        }
        try:
            with self._store.write() as connection:
                connection.execute(fact.insert(), row)
        except Conflict:
            pass  # it is there

    def waiting(self, shards: Collection[int] | None = None, limit: int | None = 500) -> list[FactRow]:
        """Facts that wait; those of one sender in the order in which it sent them."""
        query = select(fact).order_by(fact.c.seq).limit(limit)
        if shards is not None:
            query = query.where(fact.c.shard.in_(sorted(shards)))
        with self._store.read() as connection:
            return [FactRow(**row) for row in connection.execute(query).mappings()]
