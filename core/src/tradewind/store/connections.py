"""Connections to outside systems, encrypted."""

from __future__ import annotations

import json

from sqlalchemy import delete, select

from tradewind.model.connection import Connection
from tradewind.model.ids import check_id
from tradewind.store.crypto import Vault
from tradewind.store.engine import Store
from tradewind.store.tables import connection as connection_table


class ConnectionRepository:
    """Keeps connections."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def get(self, conn_id: str) -> Connection | None:
        """The connection, or ``None`` where there is no such connection.

        :raises tradewind.errors.StoreError: where it was encrypted with another key.
        """
        query = select(connection_table.c.value).where(connection_table.c.conn_id == conn_id)
        with self._store.read() as opened:
            value = opened.execute(query).scalar()
        return None if value is None else self._decrypted(conn_id, bytes(value))

    def all(self) -> list[Connection]:
        """All connections by id."""
        query = select(connection_table.c.conn_id, connection_table.c.value).order_by(
            connection_table.c.conn_id
        )
        with self._store.read() as opened:
            rows = opened.execute(query).all()
        return [self._decrypted(row.conn_id, bytes(row.value)) for row in rows]

    def ids(self) -> list[str]:
        """The ids of all connections; decrypts nothing."""
        with self._store.read() as opened:
            return list(
                opened.scalars(select(connection_table.c.conn_id).order_by(connection_table.c.conn_id))
            )

    def set(self, connection: Connection) -> None:
        """Keep a connection under its ``conn_id``, in place of the one that is there.

        :raises tradewind.errors.InvalidId: where its id may not be one.
        """
        check_id("connection", connection.conn_id)
        row = {
            "conn_id": connection.conn_id,
            "conn_type": connection.conn_type,
            "value": self._vault.encrypt(json.dumps(connection.as_dict())),
            "description": connection.description,
        }
        with self._store.write() as opened:
            opened.execute(delete(connection_table).where(connection_table.c.conn_id == connection.conn_id))
            opened.execute(connection_table.insert(), row)

    def delete(self, conn_id: str) -> bool:
        """Forget a connection; whether there was one."""
        with self._store.write() as opened:
            gone = opened.execute(delete(connection_table).where(connection_table.c.conn_id == conn_id))
            return gone.rowcount == 1

    def _decrypted(self, conn_id: str, value: bytes) -> Connection:
        return Connection.from_json(conn_id, self._vault.decrypt("connection", conn_id, value))
