"""The doorbell: a datagram socket that whoever writes to the store rings, so that the scheduler looks at once."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


class Doorbell:
    """The scheduler's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with suppress(FileNotFoundError):
            path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        os.chmod(path, 0o600)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """For the selector."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Whether it rang; forgets that it did."""
        rang = False
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(64)
                rang = True
        return rang

    def close(self) -> None:
        """Take the bell down."""
        self._socket.close()
        with suppress(OSError):
            self._path.unlink()


def ring(path: Path) -> bool:
    """Ring; whether anybody is there to hear it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)
        try:
            bell.sendto(b"!", str(path))
        except BlockingIOError:
            return True  # it rings already
        except OSError:
            return False
    return True
