"""Pools: named numbers of slots."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from tradewind.errors import NotFound, Refused
from tradewind.model.ids import check_id
from tradewind.model.spec import DEFAULT_POOL
from tradewind.store.engine import Store
from tradewind.store.rows import PoolRow
from tradewind.store.tables import pool

_POOL = select(pool.c.name, pool.c.slots, pool.c.description, pool.c.include_deferred).order_by(pool.c.name)


class PoolRepository:
    """Keeps pools. Whoever changes one sends the scheduler :class:`tradewind.model.commands.PoolChanged`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[PoolRow]:
        """All pools by name."""
        with self._store.read() as connection:
            return [PoolRow(**row) for row in connection.execute(_POOL).mappings()]

    def get(self, name: str) -> PoolRow:
        """The pool.

        :raises NotFound: naming close matches.
        """
        known = {one.name: one for one in self.all()}
        if name not in known:
            raise NotFound("pool", name, known, cure=f"`tradewind pools set {name} SLOTS` makes it.")
        return known[name]

    def set(
        self,
        name: str,
        slots: int,
        description: str | None = None,
        *,
        include_deferred: bool | None = None,
    ) -> None:
        """Make a pool, or change it; what is not given stays.

        :param include_deferred: whether tasks that wait deferred keep their slots in it.

        :raises tradewind.errors.InvalidId: where the name may not be one.
        :raises Refused: where the number of slots is none.
        """
        check_id("pool", name)
        if slots < -1:
            raise Refused(
                f"The pool {name!r} cannot have {slots} slots. Give it 0 or more, or -1 for no limit at all."
            )
        values: dict[str, Any] = {"slots": slots}
        if description is not None:
            values["description"] = description
        if include_deferred is not None:
            values["include_deferred"] = include_deferred
        with self._store.write() as connection:
            there = connection.execute(select(pool.c.name).where(pool.c.name == name)).first()
            if there:
                connection.execute(update(pool).where(pool.c.name == name).values(values))
            else:
                connection.execute(pool.insert(), {"name": name, **values})

    def delete(self, name: str) -> None:
        """Forget a pool.

        :raises NotFound: where there is none of this name.
        :raises Refused: for the default pool.
        """
        if name == DEFAULT_POOL:
            raise Refused(f"The pool {name!r} cannot be deleted, since tasks that name no pool use it.")
        self.get(name)
        with self._store.write() as connection:
            connection.execute(delete(pool).where(pool.c.name == name))
