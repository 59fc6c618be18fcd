"""An XCom backend at its smallest."""

from __future__ import annotations

from typing import ClassVar

from tradewind.errors import NotFound
from tradewind.ports.xcom_backend import XComBackend, XComKey


class MemoryXComBackend(XComBackend):
    """Keeps values while the process lives: good for a test, and for nothing else."""

    name: ClassVar[str] = "memory"

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def put(self, key: XComKey, value: bytes) -> bytes:
        reference = f"{key.attempt_id}/{key.key}".encode()
        self._values[reference] = value
        return reference

    def get(self, reference: bytes) -> bytes:
        if reference not in self._values:
            raise NotFound("value", reference.decode(), cure="The process that kept it has ended.")
        return self._values[reference]

    def delete(self, reference: bytes) -> None:
        self._values.pop(reference, None)
