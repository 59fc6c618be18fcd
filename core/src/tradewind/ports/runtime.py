"""The running system, as code written by users sees it: variables, connections, XComs and the task's context.

One ContextVar holds whatever serves them: the attempt's process, the importer while it imports a DAG file, or a test. It is
the only ambient thing in Tradewind (``docs/adr/`` says why). Outside all of these, the environment alone answers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tradewind.errors import Refused
from tradewind.model.connection import Connection
from tradewind.model.facts import XCom
from tradewind.model.run import RunInfo
from tradewind.model.waits import RunsAwaited, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

RETURN_VALUE = "return_value"  #: the XCom key of what a task returns
VARIABLE_PREFIX = "TRADEWIND_VAR_"
CONNECTION_PREFIX = "TRADEWIND_CONN_"


@dataclass(frozen=True, slots=True, kw_only=True)
class XComQuery:
    """Which XComs are wanted.

    :param task_ids: ``None``: of any task.
    :param map_indexes: ``None``: whatever their map index.
    :param include_prior_dates: look in earlier runs too, newest first.
    :param skip: of what is found, leave out so many at the beginning; asked for with one task id alone.
    :param limit: and hand out so many at most.
    """

    dag_id: str
    run_id: str
    key: str
    task_ids: tuple[str, ...] | None = None
    map_indexes: tuple[int, ...] | None = None
    include_prior_dates: bool = False
    skip: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class FoundXCom:
    """An XCom that was found; ``value`` and ``backend`` as in :class:`tradewind.model.facts.XCom`."""

    task_id: str
    map_index: int
    value: bytes
    backend: str | None = None


class Runtime(Protocol):
    """What answers. Every method raises :class:`tradewind.errors.TradewindError` where it cannot."""

    @property
    def default_timezone(self) -> str:
        """The time zone of dates in DAG files that name none."""
        ...

    def variable(self, key: str) -> str | None:
        """The text of a variable, or ``None`` where there is no such variable."""
        ...

    def set_variable(self, key: str, value: str, description: str | None = None) -> None: ...

    def delete_variable(self, key: str) -> bool:
        """Whether there was one."""
        ...

    def connection(self, conn_id: str) -> Connection | None: ...

    def push_xcom(self, xcom: XCom) -> None: ...

    def pull_xcoms(self, query: XComQuery) -> list[FoundXCom]:
        """In the order of ``query.task_ids``, then of map index; with prior dates, the newest run that has any."""
        ...

    def count_xcoms(self, query: XComQuery) -> int:
        """How many there are."""
        ...

    def previous_run(self, *, success_only: bool) -> RunInfo | None:
        """The DAG's run before this one, by logical date."""
        ...

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Another question to the system, of those that :mod:`tradewind.scheduler.answers` knows: plain data back."""
        ...

    def look_at_runs(self, awaited: RunsAwaited) -> tuple[Verdict, str]:
        """Whether runs of another DAG have come to where somebody waits for them to come, and why."""
        ...

    def context(self) -> Mapping[str, Any] | None:
        """The context of the task that is running, or ``None`` outside of one."""
        ...


class EnvironmentRuntime:
    """Answers from environment variables alone; asks nobody. What every runtime looks at first."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, default_timezone: str = "UTC") -> None:
        self._environ = os.environ if environ is None else environ
        self._default_timezone = default_timezone

    @property
    def default_timezone(self) -> str:
        return self._default_timezone

    def variable(self, key: str) -> str | None:
        return self._environ.get(VARIABLE_PREFIX + key.upper())

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        raise self._refuse("set the variable", key)

    def delete_variable(self, key: str) -> bool:
        raise self._refuse("delete the variable", key)

    def connection(self, conn_id: str) -> Connection | None:
        text = self._environ.get(CONNECTION_PREFIX + conn_id.upper())
        return Connection.parse(conn_id, text) if text else None

    def push_xcom(self, xcom: XCom) -> None:
        raise self._refuse("push the XCom", xcom.key)

    def pull_xcoms(self, query: XComQuery) -> list[FoundXCom]:
        raise self._refuse("pull the XCom", query.key)

    def count_xcoms(self, query: XComQuery) -> int:
        raise self._refuse("pull the XCom", query.key)

    def previous_run(self, *, success_only: bool) -> RunInfo | None:
        return None

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        raise self._refuse("ask for", operation)

    def look_at_runs(self, awaited: RunsAwaited) -> tuple[Verdict, str]:
        raise self._refuse("look at runs of the DAG", awaited.dag_id)

    def context(self) -> Mapping[str, Any] | None:
        return None

    def _refuse(self, what: str, name: str) -> Refused:
        return Refused(
            f"Cannot {what} {name!r} here: no task is running and no DAG file is being imported by Tradewind. "
            f"Do it inside a task, or try the DAG with `tradewind run FILE`."
        )


_current: ContextVar[Runtime | None] = ContextVar("tradewind_runtime", default=None)


def current() -> Runtime:
    """Whatever answers here and now."""
    return _current.get() or EnvironmentRuntime()


@contextmanager
def serve(runtime: Runtime) -> Iterator[None]:
    """Let ``runtime`` answer inside the ``with`` block."""
    token = _current.set(runtime)
    try:
        yield
    finally:
        _current.reset(token)
