"""Commands: what people ask for, and the audit log of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from tradewind.errors import Conflict, SerializationError
from tradewind.model.commands import COMMANDS, Command
from tradewind.model.ids import shard_of
from tradewind.store.engine import Store
from tradewind.store.rows import CommandRow
from tradewind.store.tables import command as command_table


def row_of(command: Command, *, id: str, actor: str, at: datetime) -> dict[str, Any]:
    """A command as a row, for whoever hands it in together with something else.

    :raises SerializationError: where it holds a value that JSON cannot.
    """
    try:
        body = msgspec.json.encode(command).decode()
    except (TypeError, ValueError) as error:
        raise SerializationError(
            f"The command {command.kind} for {command.dag_id!r} holds a value that JSON cannot: {error}. "
            f"Give text, numbers, booleans, lists and objects."
        ) from None
    return {
        "id": id,
        "shard": shard_of(command.dag_id),
        "dag_id": command.dag_id,
        "actor": actor[:250],
        "kind": command.kind,
        "body": body,
        "at": at,
        "open": True,
    }


class CommandRepository:
    """Hands commands in, and finds what became of them. The scheduler alone marks them as applied."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last_applied(self, kind: str, dag_id: str) -> datetime | None:
        """When a command of this kind was last carried out for the DAG."""
        query = select(func.max(command_table.c.applied_at)).where(
            command_table.c.dag_id == dag_id,
            command_table.c.kind == kind,
            command_table.c.refused_reason.is_(None),
        )
        with self._store.read() as connection:
            found: datetime | None = connection.scalar(query)
        return found

    def submit(self, command: Command, *, id: str, actor: str, at: datetime) -> None:
        """Hand a command in. The same id a second time changes nothing.

        :param id: a fresh uuid7 of the sender's.
        :param actor: who asks, as the audit log shows it.
        :raises SerializationError: where it holds a value that JSON cannot.
        """
        row = row_of(command, id=id, actor=actor, at=at)
        try:
            with self._store.write() as connection:
                connection.execute(command_table.insert(), row)
        except Conflict:
            if self.get(id) is None:
                raise

    def open_commands(self, shards: Collection[int] | None = None, limit: int = 100) -> list[CommandRow]:
        """Commands that were neither applied nor refused yet, oldest first."""
        query = select(command_table).where(command_table.c.open.is_not(None))
        if shards is not None:
            query = query.where(command_table.c.shard.in_(sorted(shards)))
        query = query.order_by(command_table.c.at, command_table.c.id).limit(limit)
        with self._store.read() as connection:
            return [_command_of(row) for row in connection.execute(query)]

    def get(self, id: str) -> CommandRow | None:
        """The command of this id: what its sender looks at until it is applied."""
        with self._store.read() as connection:
            row = connection.execute(select(command_table).where(command_table.c.id == id)).one_or_none()
        return None if row is None else _command_of(row)

    def history(self, dag_id: str | None = None, limit: int = 100) -> list[CommandRow]:
        """The audit log, newest first."""
        query = select(command_table).order_by(command_table.c.at.desc(), command_table.c.id.desc())
        if dag_id is not None:
            query = query.where(command_table.c.dag_id == dag_id)
        with self._store.read() as connection:
            return [_command_of(row) for row in connection.execute(query.limit(limit))]


def _command_of(row: Row[Any]) -> CommandRow:
    return CommandRow(
        id=row.id,
        shard=row.shard,
        dag_id=row.dag_id,
        actor=row.actor,
        kind=row.kind,
        command=_decode(row.kind, row.body),
        at=row.at,
        applied_at=row.applied_at,
        result=json.loads(row.result) if row.result else None,
        refused_reason=row.refused_reason,
    )


def _decode(kind: str, body: str) -> Command | None:
    known = COMMANDS.get(kind)
    if known is None:
        return None
    try:
        return msgspec.json.decode(body, type=known)
    except msgspec.DecodeError:
        return None
