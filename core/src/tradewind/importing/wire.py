"""The messages between the processor, an import server and its children: msgpack behind 4 bytes of length.

::

    processor ──► server  Setup  Import  Answer        server ──► child  Answer
    processor ◄── server  Question  Finished           server ◄── child  Question  Finished
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

from tradewind.errors import ImportTimeError
from tradewind.importing.results import ImportOptions, ImportResult

_LENGTH = struct.Struct("!I")


class Setup(msgspec.Struct, tag=True, array_like=True):
    """First message: how all files are imported."""

    options: ImportOptions


class Import(msgspec.Struct, tag=True, array_like=True):
    """Import one file, relative to the folder."""

    file: str


class Question(msgspec.Struct, tag=True, array_like=True):
    """Asked by the DAG file while it is imported."""

    id: int
    operation: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, tag=True, array_like=True):
    """The answer to a question, or why there is none."""

    id: int
    value: Any = None
    error: str | None = None


class Finished(msgspec.Struct, tag=True, array_like=True):
    """The import is over. ``needed``: see :attr:`ImportOptions.common`."""

    result: ImportResult
    needed: tuple[str, ...] = ()


Message = Setup | Import | Question | Answer | Finished

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """A message as it travels."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Inbox:
    """Puts messages together from the pieces in which they arrive."""

    def __init__(self, max_bytes: int) -> None:
        self._buffer = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole by now.

        :raises ImportTimeError: where what arrives is no message, or one that is too long.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._max_bytes:
                raise ImportTimeError(
                    f"A message of {length:,} bytes is over the limit of {self._max_bytes:,}."
                )
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            try:
                messages.append(_decoder.decode(bytes(self._buffer[_LENGTH.size : end])))
            except msgspec.DecodeError as error:
                raise ImportTimeError(f"A message cannot be read ({error}).") from error
            del self._buffer[:end]
        return messages


def receive(sock: socket.socket) -> Message | None:
    """Wait for the next whole message; ``None`` at the end of the line. For a peer that can be trusted."""
    head = _read(sock, _LENGTH.size)
    body = _read(sock, _LENGTH.unpack(head)[0]) if head else None
    return _decoder.decode(body) if body is not None else None


def _read(sock: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            piece = sock.recv(min(size - len(parts), 1 << 20))
        except ConnectionError:
            return None
        if not piece:
            return None
        parts += piece
    return bytes(parts)
