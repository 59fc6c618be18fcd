"""Serves variables, connections, XComs and the context to user code inside an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tradewind.model.connection import Connection
from tradewind.model.facts import XCom
from tradewind.model.order import KnownXCom, Order
from tradewind.model.run import RunInfo
from tradewind.model.waits import RunsAwaited, Verdict
from tradewind.ports.runner import Channel
from tradewind.ports.runtime import EnvironmentRuntime, FoundXCom, XComQuery
from tradewind.runner.secrets import Secrets


class AttemptRuntime:
    """Answers from the environment and from what came with the order; asks the system for the rest.

    :param known: XComs that came with the order. Where it has one of a task and key, it has all of them; of a mapped task,
        only that of the instance that goes before this one.
    """

    def __init__(
        self,
        channel: Channel,
        secrets: Secrets,
        known: tuple[KnownXCom, ...] = (),
        *,
        default_timezone: str = "UTC",
    ) -> None:
        self._channel = channel
        self._secrets = secrets
        self._environment = EnvironmentRuntime(default_timezone=default_timezone)
        self._known: dict[tuple[str, str], list[KnownXCom]] = {}
        for xcom in known:
            self._known.setdefault((xcom.task_id, xcom.key), []).append(xcom)
        self._own: dict[str, XCom] = {}
        self._order: Order | None = None
        self._context: Mapping[str, Any] | None = None

    @property
    def default_timezone(self) -> str:
        return self._environment.default_timezone

    def begin(self, order: Order, context: Mapping[str, Any]) -> None:
        """From now on the task of this order runs, with this context."""
        self._order = order
        self._context = context

    def variable(self, key: str) -> str | None:
        text = self._environment.variable(key)
        if text is None:
            text = self._channel.ask("variable.get", {"key": key})
        if text is not None:
            self._secrets.add_variable(key, text)
        return text

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        self._channel.ask("variable.set", {"key": key, "value": value, "description": description})

    def delete_variable(self, key: str) -> bool:
        return bool(self._channel.ask("variable.delete", {"key": key}))

    def connection(self, conn_id: str) -> Connection | None:
        found = self._environment.connection(conn_id)
        if found is None:
            fields = self._channel.ask("connection.get", {"conn_id": conn_id})
            found = None if fields is None else Connection(**{**fields, "conn_id": conn_id})
        if found is not None:
            self._secrets.add_connection(found)
        return found

    def push_xcom(self, xcom: XCom) -> None:
        self.remember(xcom)
        self._channel.push(xcom)

    def remember(self, xcom: XCom) -> None:
        """Answer for this XCom of the task's own, which may not have arrived in the store yet."""
        self._own[xcom.key] = xcom

    def pull_xcoms(self, query: XComQuery) -> list[FoundXCom]:
        """As the port says; one question at most, for all that is not known here."""
        local = self._local(query)
        if local is not None:
            return local
        rows = self._channel.ask("xcom.pull", _plain(query))
        return [_found(task_id, index, value, backend) for task_id, index, value, backend in rows]

    def count_xcoms(self, query: XComQuery) -> int:
        return int(self._channel.ask("xcom.count", _plain(query)))

    def _local(self, query: XComQuery) -> list[FoundXCom] | None:
        """What the query finds, where no question is needed; ``None`` where one is."""
        order = self._order
        if order is None or query.task_ids is None or query.include_prior_dates or query.limit is not None:
            return None
        if (query.dag_id, query.run_id) != (order.run.dag_id, order.run.run_id):
            return None
        found: list[FoundXCom] = []
        for task_id in query.task_ids:
            own = self._own.get(query.key) if task_id == order.task_id else None
            if own is not None:
                found.append(_found(task_id, order.map_index, own.value, own.backend))
            elif (task_id, query.key) in self._known:
                known = self._known[task_id, query.key]
                if known[0].map_index >= 0 and query.map_indexes != (known[0].map_index,):
                    return None
                found.extend(_found(task_id, x.map_index, x.value, x.backend) for x in known)
            else:
                return None
        return [x for x in found if query.map_indexes is None or x.map_index in query.map_indexes]

    def previous_run(self, *, success_only: bool) -> RunInfo | None:
        found = self._channel.ask("run.previous", {"success_only": success_only})
        return None if found is None else msgspec.convert(found, RunInfo)

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        return self._channel.ask(operation, arguments)

    def look_at_runs(self, awaited: RunsAwaited) -> tuple[Verdict, str]:
        verdict, reason = self._channel.ask("runs.awaited", msgspec.to_builtins(awaited))
        return verdict, reason

    def context(self) -> Mapping[str, Any] | None:
        return self._context


def _plain(query: XComQuery) -> dict[str, Any]:
    """The arguments of a question; what has its default is left out."""
    arguments: dict[str, Any] = {
        "dag_id": query.dag_id,
        "run_id": query.run_id,
        "key": query.key,
        "task_ids": None if query.task_ids is None else list(query.task_ids),
        "map_indexes": None if query.map_indexes is None else list(query.map_indexes),
        "include_prior_dates": query.include_prior_dates,
    }
    if query.limit is not None:
        arguments |= {"skip": query.skip, "limit": query.limit}
    return arguments


def _found(task_id: str, map_index: int, value: bytes, backend: str | None) -> FoundXCom:
    return FoundXCom(task_id=task_id, map_index=map_index, value=value, backend=backend)
