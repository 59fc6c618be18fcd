"""An XCom backend keeps values that are too large for the metadata database. It runs in the attempt's process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class XComKey:
    """Where an XCom belongs."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    key: str
    attempt_id: str


class XComBackend(ABC):
    """Puts bytes somewhere and gets them back by a reference."""

    #: The name under which it is registered, and which the store keeps beside the reference.
    name: ClassVar[str]

    @abstractmethod
    def put(self, key: XComKey, value: bytes) -> bytes:
        """Keep ``value``; the reference that comes back (at most 1 KiB) finds it again."""

    @abstractmethod
    def get(self, reference: bytes) -> bytes:
        """The value.

        :raises tradewind.errors.NotFound: where it is gone; the message says how that may have happened.
        """

    @abstractmethod
    def delete(self, reference: bytes) -> None:
        """Forget the value; it may be gone already."""
