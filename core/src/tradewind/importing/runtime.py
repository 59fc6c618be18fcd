"""What serves variables and connections while a DAG file is imported: the environment first, then the processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tradewind.errors import Refused
from tradewind.model.connection import Connection
from tradewind.model.facts import XCom
from tradewind.model.run import RunInfo
from tradewind.model.waits import RunsAwaited, Verdict
from tradewind.ports.runtime import EnvironmentRuntime, FoundXCom, XComQuery


class Ask(Protocol):
    """Puts a question to the processor and waits for the answer."""

    def __call__(self, operation: str, arguments: dict[str, Any]) -> Any:
        """
        :raises tradewind.errors.Refused: with the message that came back in place of an answer.
        """
        ...


class ImportRuntime:
    """A :class:`tradewind.ports.runtime.Runtime` that can only be read from: no task is running."""

    def __init__(self, ask: Ask, default_timezone: str) -> None:
        self._ask = ask
        self._environment = EnvironmentRuntime(default_timezone=default_timezone)

    @property
    def default_timezone(self) -> str:
        return self._environment.default_timezone

    def variable(self, key: str) -> str | None:
        found = self._environment.variable(key)
        if found is None:
            answer = self._ask("variable.get", {"key": key})
            found = None if answer is None else str(answer)
        return found

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        raise _refuse(f"set the variable {key!r}")

    def delete_variable(self, key: str) -> bool:
        raise _refuse(f"delete the variable {key!r}")

    def connection(self, conn_id: str) -> Connection | None:
        found = self._environment.connection(conn_id)
        if found is None:
            answer = self._ask("connection.get", {"conn_id": conn_id})
            if answer is not None:
                found = Connection(**{**answer, "conn_id": conn_id})
        return found

    def push_xcom(self, xcom: XCom) -> None:
        raise _refuse(f"push the XCom {xcom.key!r}")

    def pull_xcoms(self, query: XComQuery) -> list[FoundXCom]:
        raise _refuse(f"pull the XCom {query.key!r}")

    def count_xcoms(self, query: XComQuery) -> int:
        raise _refuse(f"pull the XCom {query.key!r}")

    def previous_run(self, *, success_only: bool) -> RunInfo | None:
        return None

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        raise _refuse(f"ask for {operation}")

    def look_at_runs(self, awaited: RunsAwaited) -> tuple[Verdict, str]:
        raise _refuse(f"look at runs of the DAG {awaited.dag_id!r}")

    def context(self) -> Mapping[str, Any] | None:
        return None


def _refuse(what: str) -> Refused:
    return Refused(f"Cannot {what} while a DAG file is imported: no task is running. Do it inside a task.")
