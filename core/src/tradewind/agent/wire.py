"""Sockets: framed messages over a stream that never blocks the loop, and packets that carry descriptors."""

from __future__ import annotations

import array
import errno
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from tradewind.agent.loop import Loop
from tradewind.agent.protocol import Frames, Message, frame
from tradewind.errors import ConfigError, TradewindError

READ_SIZE = 256 * 1024
PACKET_SIZE = 128 * 1024
BACKLOG = 64  #: who may wait to be let in
_LONGEST_ADDRESS = 100  #: bytes of a Unix socket's path that every system takes


class Line:
    """One end of a connection. What cannot be sent at once is kept and sent when the other side reads.

    :param on_end: called once, when the other side is gone or does not speak the protocol; says why.
    """

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        on_message: Callable[[Message], None],
        on_end: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._socket = sock
        self._on_message = on_message
        self._on_end = on_end
        self._frames = Frames()
        self._unsent = bytearray()
        self.open = True
        loop.watch(sock, self.read)

    def send(self, *messages: Message) -> None:
        """Send in one go; passed over where the line has ended."""
        if not self.open:
            return
        data = b"".join(map(frame, messages))
        if self._unsent:
            self._unsent += data
            return
        self._unsent += data[self._write(data) :]
        if self._unsent and self.open:
            self._loop.watch(self._socket, self.read, self._write_rest)

    def read(self) -> None:
        """Take what is there now, without waiting."""
        while self.open:
            try:
                data = self._socket.recv(READ_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._end(str(error))
                return
            if not data:
                self._end("closed by the other side")
                return
            self._take(data)
            if len(data) < READ_SIZE:
                return

    def close(self) -> None:
        """Let go, without telling ``on_end``."""
        if self.open:
            self.open = False
            self._loop.unwatch(self._socket)
            self._socket.close()

    def _take(self, data: bytes) -> None:
        try:
            messages = self._frames.feed(data)
        except TradewindError as error:
            self._end(str(error))
            return
        for message in messages:
            self._on_message(message)

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            # Whatever the other side said before it went is still to be read; reading finds the end.
            return len(data)

    def _write_rest(self) -> None:
        del self._unsent[: self._write(self._unsent)]
        if not self._unsent and self.open:
            self._loop.watch(self._socket, self.read)

    def _end(self, reason: str) -> None:
        self.close()
        self._on_end(reason)


def send_packet(sock: socket.socket, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
    """Send one message, and open files along with it, on a ``SOCK_SEQPACKET`` socket."""
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([msgspec.msgpack.encode(message)], ancillary)


def receive_packet(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """One message and the files that came with it; ``None`` where the other side is gone.

    :raises BlockingIOError: where nothing is there, on a socket that does not block.
    """
    try:
        data, descriptors, _, _ = socket.recv_fds(sock, PACKET_SIZE, 8)
    except ConnectionError:
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (data, descriptors) if data else None


def listen(path: str) -> socket.socket:
    """A listening socket at ``path``, for its owner alone; a dead one's remains are taken away.

    :raises ConfigError: where another process listens there, or the path cannot be used.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _take_away_dead(path)
        with _address(path) as address:
            server.bind(address)
        os.chmod(path, 0o600)
        server.listen(BACKLOG)
    except OSError as error:
        server.close()
        raise ConfigError(f"Cannot listen on the socket {path}: {error.strerror or error}.") from error
    except ConfigError:
        server.close()
        raise
    server.setblocking(False)
    return server


def connect(path: str) -> socket.socket:
    """A stream to whoever listens at ``path``.

    :raises OSError: where nobody does.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)  # a listener that does not come round to us must not hold the caller up
    try:
        with _address(path) as address:
            sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _take_away_dead(path: str) -> None:
    try:
        connect(path).close()
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            os.unlink(path)
            return
        raise
    raise ConfigError(f"Another agent listens on {path} already. End it first, or use another socket.")


@contextmanager
def _address(path: str) -> Iterator[str]:
    """The path as the kernel takes it: an address holds about 100 bytes, a path may be longer."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield path
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
        if not os.path.isdir("/proc/self/fd") or len(os.fsencode(short)) > _LONGEST_ADDRESS:
            raise ConfigError(
                f"The path of the socket is too long for this system: {path}. Use a shorter folder."
            )
        yield short
    finally:
        os.close(folder)
