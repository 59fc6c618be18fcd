"""What tries wait for, read back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from sqlalchemy import select

from tradewind.model.waits import Wait
from tradewind.store.engine import Store
from tradewind.store.tables_waits import wait

_CHUNK = 500  # parameters of one IN
_WAIT = select(wait.c.ti_pk, wait.c.body).order_by(wait.c.attempt_id)
_decoder = msgspec.json.Decoder(Wait)


class WaitRepository:
    """Looks waits up; nothing here writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> dict[int, Wait]:
        """Every wait, by the pk of its task instance."""
        with self._store.read() as connection:
            return {pk: _decoder.decode(body) for pk, body in connection.execute(_WAIT)}

    def of_runs(self, run_pks: Collection[int]) -> dict[int, Wait]:
        """The waits of these runs."""
        found: dict[int, Wait] = {}
        with self._store.read() as connection:
            for some in _chunks(sorted(run_pks)):
                rows = connection.execute(_WAIT.where(wait.c.run_pk.in_(some)))
                found.update((pk, _decoder.decode(body)) for pk, body in rows)
        return found


def _chunks(items: list[int]) -> Iterable[list[int]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
