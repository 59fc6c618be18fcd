"""Answers to questions that running attempts ask: variables, connections, XComs, earlier runs.

Operations and arguments are those that :class:`tradewind.ports.runtime.Runtime` names; values are plain data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tradewind.errors import NotFound, Refused
from tradewind.ports.runtime import XComQuery
from tradewind.scheduler.asset_answers import AssetAnswers
from tradewind.scheduler.memory import Memory, OpenAttempt
from tradewind.store.connections import ConnectionRepository
from tradewind.store.runs import RunRepository
from tradewind.store.variables import VariableRepository
from tradewind.store.xcoms import XComRepository


class Answers:
    """Answers from the store."""

    def __init__(
        self,
        variables: VariableRepository,
        connections: ConnectionRepository,
        xcoms: XComRepository,
        runs: RunRepository,
        assets: AssetAnswers,
        memory: Callable[[], Memory],
        awaited: Callable[[dict[str, Any]], Any],
    ) -> None:
        self._variables = variables
        self._connections = connections
        self._xcoms = xcoms
        self._runs = runs
        self._assets = assets
        self._memory = memory
        self._awaited = awaited

    def answer(self, attempt_id: str, operation: str, arguments: dict[str, Any]) -> Any:
        """The answer; ``attempt_id`` is empty for a question of the importer.

        :raises TradewindError: where there is none.
        """
        match operation:
            case "variable.get":
                return self._variables.get(arguments["key"])
            case "variable.set":
                self._variables.set(arguments["key"], arguments["value"], arguments.get("description"))
                return None
            case "variable.delete":
                return self._variables.delete(arguments["key"])
            case "connection.get":
                connection = self._connections.get(arguments["conn_id"])
                return None if connection is None else connection.as_dict()
            case "xcom.pull":
                query = msgspec.convert(arguments, XComQuery)
                found_xcoms = self._xcoms.find(query)
                return [(it.task_id, it.map_index, it.value, it.backend) for it in found_xcoms]
            case "xcom.count":
                return self._xcoms.count(msgspec.convert(arguments, XComQuery))
            case "runs.awaited":
                return self._awaited(arguments)
            case "run.previous":
                return self._previous_run(attempt_id, bool(arguments.get("success_only")))
            case "assets.events" | "assets.find":
                return self._assets.answer(operation, arguments)
            case "assets.triggering":
                return self._assets.triggering(self._attempt(attempt_id).run.pk)
        raise Refused(f"No answer to {operation!r}: is the attempt of a newer version than the scheduler?")

    def _previous_run(self, attempt_id: str, success_only: bool) -> Any:
        row = self._runs.previous(self._attempt(attempt_id).run.info, success_only=success_only)
        return None if row is None else msgspec.to_builtins(row.info)

    def _attempt(self, attempt_id: str) -> OpenAttempt:
        attempt = self._memory().attempts.get(attempt_id)
        if attempt is None:
            raise NotFound("open attempt", attempt_id)
        return attempt
