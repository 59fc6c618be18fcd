"""The runner, as the agent's template processes see it: what runs inside an attempt's process."""

from __future__ import annotations

from typing import Any, Protocol

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome


class Channel(Protocol):
    """The line between an attempt's process and its agent."""

    def push(self, xcom: XCom) -> None:
        """Hand over an XCom; returns at once."""
        ...

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Ask the system and wait for the answer.

        :raises tradewind.errors.TradewindError: with the message that came back in place of an answer.
        """
        ...


class Runner(Protocol):
    """Made once in a template process; its methods are called there or in the processes forked from it."""

    def preload(self) -> None:
        """Import what every attempt needs. Called before any DAG file, in the process that templates are forked from."""
        ...

    def load(
        self, dag_id: str, folder: str, file: str, original_folder: str, channel: Channel | None = None
    ) -> None:
        """Import the DAG file ``folder/file`` and keep its DAG; ``original_folder`` is where people know it to be.

        :param channel: answers variables and connections that the file asks for while it is imported; of no use later.
        :raises tradewind.errors.ImportTimeError: where that fails; attempts of the version then fail with its message.
        """
        ...

    def rehearse(self) -> None:
        """Go through the motions of an attempt that does nothing, so that a real one finds everything in place.

        Called in the process that templates are forked from, and in each attempt's process before its order comes; it
        leaves nothing behind, and raises nothing.
        """
        ...

    def run(self, order: Order, channel: Channel) -> tuple[Outcome, tuple[XCom, ...]]:
        """Run the attempt to its outcome. Standard output and error are its log already. Raises nothing."""
        ...

    def on_kill(self) -> None:
        """SIGTERM has come: let the operator clean up (``on_kill``). Called at most once, in the attempt's process."""
        ...
