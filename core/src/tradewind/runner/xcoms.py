"""Values that tasks leave for each other: encoded, kept within limits, spilled to a backend, and pulled again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from tradewind.errors import NotFound, SerializationError
from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.ports.runtime import FoundXCom, Runtime, XComQuery
from tradewind.ports.xcom_backend import XComBackend, XComKey
from tradewind.runner.settings import RunnerSettings, load_target
from tradewind.serialization.values import Codec, decode, encode, length_of

log = logging.getLogger("tradewind.xcom")


class XComs:
    """The XComs of one attempt: those it pushes, and those of others that it pulls."""

    def __init__(self, order: Order, runtime: Runtime, settings: RunnerSettings) -> None:
        self._order = order
        self._runtime = runtime
        self._settings = settings.xcom
        self._codec_targets = settings.codecs
        self._codecs: Sequence[Codec] | None = None

    def push(self, key: str, value: Any) -> None:
        """Hand a value over.

        :raises SerializationError: as for :meth:`make`.
        """
        self._runtime.push_xcom(self.make(key, value))

    def make(self, key: str, value: Any) -> XCom:
        """The XCom that holds the value; one over the inline limit is written to the backend.

        :raises SerializationError: where the value cannot be kept, or is larger than the limit.
        """
        if not isinstance(key, str) or not key:
            raise SerializationError(f"The key of an XCom is text that is not empty, not {key!r}.")
        try:
            data = encode(value, self._all_codecs())
        except SerializationError as error:
            raise SerializationError(f"The XCom {key!r} of task {self._order.task_id!r}: {error}") from None
        size, length = len(data), length_of(value)
        if size > self._settings.limit:
            raise SerializationError(
                f"The XCom {key!r} of task {self._order.task_id!r} has {_bytes(size)}, which is more than the limit of "
                f"{_bytes(self._settings.limit)}: write it to a file and return its path, or raise xcom.limit_mb."
            )
        if size <= self._settings.inline_limit:
            return XCom(key=key, value=data, size=size, length=length)
        name = self._settings.backend
        if not name:
            raise SerializationError(
                f"The XCom {key!r} of task {self._order.task_id!r} has {_bytes(size)}, which is more than the inline "
                f"limit of {_bytes(self._settings.inline_limit)}, and there is no backend for it: set xcom.backend."
            )
        reference = self._backend(name).put(self._key(key), data)
        limit = _bytes(self._settings.inline_limit)
        log.info(
            "The XCom %r has %s, over the inline limit of %s: put into %r", key, _bytes(size), limit, name
        )
        return XCom(key=key, value=reference, backend=name, size=size, length=length)

    def pull(self, query: XComQuery) -> list[tuple[str, int, Any]]:
        """``(task id, map index, value)`` of each that is found."""
        return [(x.task_id, x.map_index, self._value(x)) for x in self._runtime.pull_xcoms(query)]

    def count(self, query: XComQuery) -> int:
        """How many there are."""
        return self._runtime.count_xcoms(query)

    def _value(self, found: FoundXCom) -> Any:
        data = found.value if found.backend is None else self._backend(found.backend).get(found.value)
        return decode(data, self._all_codecs())

    def _key(self, key: str) -> XComKey:
        order = self._order
        return XComKey(
            dag_id=order.run.dag_id,
            run_id=order.run.run_id,
            task_id=order.task_id,
            map_index=order.map_index,
            key=key,
            attempt_id=order.attempt_id,
        )

    def _backend(self, name: str) -> XComBackend:
        given = self._settings.backends.get(name)
        if given is None:
            raise NotFound("XCom backend", name, self._settings.backends, "Is its plugin installed here?")
        made: XComBackend = load_target(given["target"])(**given.get("options", {}))
        return made

    def _all_codecs(self) -> Sequence[Codec]:
        if self._codecs is None:
            self._codecs = [load_target(target) for target in self._codec_targets]
        return self._codecs


def _bytes(size: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{size / factor:.4g} {unit} ({size} bytes)"
    return f"{size} bytes"
