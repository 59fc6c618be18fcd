"""Variables: names with texts, encrypted."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from tradewind.errors import DefinitionError
from tradewind.store.crypto import Vault
from tradewind.store.engine import Store
from tradewind.store.rows import VariableRow
from tradewind.store.tables import variable

_LONGEST = 250


class VariableRepository:
    """Keeps variables."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def get(self, key: str) -> str | None:
        """The text of a variable, or ``None`` where there is no such variable.

        :raises tradewind.errors.StoreError: where it was encrypted with another key.
        """
        with self._store.read() as connection:
            value = connection.execute(select(variable.c.value).where(variable.c.key == key)).scalar()
        return None if value is None else self._vault.decrypt("variable", key, bytes(value))

    def all(self) -> list[VariableRow]:
        """All variables by key."""
        with self._store.read() as connection:
            rows = connection.execute(select(variable).order_by(variable.c.key)).all()
        return [
            VariableRow(
                key=row.key,
                value=self._vault.decrypt("variable", row.key, bytes(row.value)),
                description=row.description,
            )
            for row in rows
        ]

    def keys(self) -> list[str]:
        """The keys of all variables; decrypts nothing."""
        with self._store.read() as connection:
            return list(connection.scalars(select(variable.c.key).order_by(variable.c.key)))

    def set(self, key: str, value: str, description: str | None = None) -> None:
        """Set a variable; a description that is not given stays."""
        if not key or len(key) > _LONGEST or not key.isprintable() or key != key.strip():
            raise DefinitionError(
                f"A variable's key is 1 to {_LONGEST} printable characters without spaces around them, not "
                f"{key[:40]!r} ({len(key)} characters)."
            )
        hidden = self._vault.encrypt(value)
        with self._store.write() as connection:
            there = connection.execute(select(variable.c.key).where(variable.c.key == key)).first()
            if not there:
                connection.execute(
                    variable.insert(), {"key": key, "value": hidden, "description": description}
                )
                return
            values = {"value": hidden} | ({} if description is None else {"description": description})
            connection.execute(update(variable).where(variable.c.key == key).values(values))

    def delete(self, key: str) -> bool:
        """Forget a variable; whether there was one."""
        with self._store.write() as connection:
            return connection.execute(delete(variable).where(variable.c.key == key)).rowcount == 1
