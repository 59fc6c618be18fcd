"""An executor: takes orders to run attempts, and reports what became of them.

The scheduler hands an order over after the attempt was committed; it may hand the same order over again after a crash, so
``attempt_id`` is the idempotency key. An executor's code runs in the scheduler's loop and must not block it: file
descriptors are watched through the host, long work goes elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from tradewind.model.facts import Fact
from tradewind.model.order import Order, VersionBundle


class HasFileno(Protocol):
    """Anything that ``select`` takes."""

    def fileno(self) -> int: ...


BEAT_EVERY = 5.0  #: seconds between the signs of life of a scheduler and of those who work for it


@dataclass(frozen=True, slots=True)
class Session:
    """A process that works for the scheduler, from its beginning to its end.

    :param kind: its executor's name, or what else it is: ``triggerer``, ``importer``.
    :param capacity: attempts that it takes at once.
    """

    id: str
    kind: str
    host: str
    pid: int
    capacity: int = 0


class ExecutorHost(Protocol):
    """What the scheduler offers to its executors."""

    def watch(self, source: HasFileno, on_readable: Callable[[], None]) -> None:
        """Call ``on_readable`` from the loop whenever ``source`` can be read."""
        ...

    def unwatch(self, source: HasFileno) -> None: ...

    def soon(self, call: Callable[[], None]) -> None:
        """Call ``call`` in the next turn of the loop, without waiting for anything else first."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call ``call`` once, after at least ``seconds``."""
        ...

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None = None) -> None:
        """Hand in a fact.

        :param session: the worker session that holds the attempt's claim; facts of others change nothing.
        :param acknowledge: called after the commit that applied (or refused) the fact.
        """
        ...

    def answer(self, attempt_id: str, operation: str, arguments: dict[str, Any]) -> Any:
        """Answer a question of a running attempt (see :mod:`tradewind.ports.runtime`): plain JSON-like values and bytes.

        :raises tradewind.errors.TradewindError: where there is no answer; its message goes back to the attempt.
        """
        ...

    def bundle(self, version_id: str) -> VersionBundle:
        """The files of a DAG version."""
        ...

    def session_started(
        self, session: str, held: tuple[str, ...], *, host: str, pid: int, capacity: int
    ) -> None:
        """A worker session is there and holds these attempts: what it should hold and does not is lost."""
        ...

    def session_ended(self, session: str, reason: str) -> None:
        """A worker session is known to be gone for good: everything that it held is lost."""
        ...


class Executor(ABC):
    """Runs attempts somewhere."""

    #: The name under which it is registered and chosen.
    name: ClassVar[str]
    #: ``"once"``: an order arrives at most once, at a session known beforehand. ``"at_least_once"``: it may arrive several
    #: times, and the worker must claim the attempt before user code runs.
    delivery: ClassVar[Literal["once", "at_least_once"]]

    @abstractmethod
    def start(self, host: ExecutorHost) -> None:
        """Get ready. Called once, before any order."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many attempts may be under way at once; 0 while nobody is there to run them."""

    @property
    def session(self) -> str | None:
        """With delivery ``"once"``: the session that will get the next order; ``None`` while there is none."""
        return None

    @abstractmethod
    def submit(self, order: Order) -> None:
        """Take an order that is committed."""

    @abstractmethod
    def cancel(self, attempt_id: str, reason: str) -> None:
        """End an attempt; ``reason`` becomes the last line of its log. Unknown attempts are passed over."""

    def prepare(self, version_id: str, attempts: int) -> None:  # noqa: B027  # may be left as it is
        """About to get ``attempts`` orders of this DAG version, or never mind: get ready for them, if that is of use."""

    def end_log(self, log_path: str, reason: str) -> None:  # noqa: B027  # may be left as it is
        """An attempt is lost with whoever would have ended its log: write its last line, where the log can be reached."""

    def flush(self) -> None:  # noqa: B027  # may be left as it is
        """All orders of a turn are submitted: send what was held back."""

    @abstractmethod
    def stop(self) -> None:
        """The scheduler ends. Attempts that run may go on where somebody will report them later."""
