"""Serves variables and connections to triggers: asked of the scheduler, through the triggerer."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Mapping
from typing import Any

from tradewind.agent.protocol import Ask, Frames, Reply, frame
from tradewind.agent.wire import READ_SIZE
from tradewind.errors import TradewindError
from tradewind.model.connection import Connection
from tradewind.ports.runtime import EnvironmentRuntime


class TriggerRuntime(EnvironmentRuntime):
    """Answers from the environment, and asks for the rest. It waits for the answer: from ``run`` call it in a thread.

    :param secrets: is told what must not be shown.
    """

    def __init__(self, line: socket.socket, secrets: Any, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._line = line
        self._secrets = secrets
        self._frames = Frames()
        self._numbers = itertools.count(1)
        self._one_at_a_time = threading.Lock()

    def variable(self, key: str) -> str | None:
        text = super().variable(key)
        if text is None:
            text = self._ask("variable.get", {"key": key})
        if text is not None:
            self._secrets.add_variable(key, text)
        return text

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        self._ask("variable.set", {"key": key, "value": value, "description": description})

    def delete_variable(self, key: str) -> bool:
        return bool(self._ask("variable.delete", {"key": key}))

    def connection(self, conn_id: str) -> Connection | None:
        found = super().connection(conn_id)
        if found is None:
            fields = self._ask("connection.get", {"conn_id": conn_id})
            found = None if fields is None else Connection(**{**fields, "conn_id": conn_id})
        if found is not None:
            self._secrets.add_connection(found)
        return found

    def _ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        with self._one_at_a_time:
            self._line.sendall(frame(Ask(next(self._numbers), operation, arguments)))
            while True:
                data = self._line.recv(READ_SIZE)
                if not data:
                    raise TradewindError(f"{operation!r} has no answer: the triggerer is gone.")
                for reply in self._frames.feed(data):
                    if isinstance(reply, Reply):
                        if reply.error is not None:
                            raise TradewindError(reply.error)
                        return reply.value
