"""Secrets at rest: encrypted with the key of this installation."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.errors import StoreError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

VARIABLE = "TRADEWIND_SECRET_KEY"


class Vault:
    """Encrypts and decrypts; the key is looked for, or made, when it is first needed.

    :param key_file: made with a fresh key where it is missing, readable by this user alone.
    :param environ: ``$TRADEWIND_SECRET_KEY`` goes before the file.
    """

    def __init__(self, key_file: Path, environ: Mapping[str, str]) -> None:
        self._key_file = key_file
        self._given = environ.get(VARIABLE, "").strip()
        self._fernet: Fernet | None = None

    def __repr__(self) -> str:
        return f"Vault({self._place})"

    def encrypt(self, text: str) -> bytes:
        """The text, encrypted.

        :raises StoreError: where there is no usable key.
        """
        return self._ready().encrypt(text.encode())

    def decrypt(self, kind: str, name: str, value: bytes) -> str:
        """The text that was encrypted; ``kind`` and ``name`` are for the error.

        :raises StoreError: where it was encrypted with another key.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._ready().decrypt(value).decode()
        except InvalidToken:
            raise StoreError(
                f"The {kind} {name!r} was encrypted with another key than the one in {self._place}. Bring "
                f"the old key back (as that file, or in ${VARIABLE}), or set the {kind} again."
            ) from None

    @property
    def _place(self) -> str:
        return f"${VARIABLE}" if self._given else str(self._key_file)

    def _ready(self) -> Fernet:
        if self._fernet is None:
            from cryptography.fernet import Fernet

            try:
                self._fernet = Fernet(self._given or _read_or_make(self._key_file))
            except ValueError:
                raise StoreError(
                    f"The key in {self._place} is no key: it must be 32 bytes in URL-safe base64. Bring the "
                    f"right one back; without it, what was encrypted with it has to be set again."
                ) from None
        return self._fernet


def _read_or_make(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"The key file {path} cannot be read ({type(error).__name__}). Give this user the right to read "
            f"it."
        ) from error


def _make(path: Path) -> str:
    """Make a key; whoever comes second, in another process, takes the first one's."""
    from cryptography.fernet import Fernet

    try:
        descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # for its owner alone
        mine = Path(name)
        try:
            os.write(descriptor, Fernet.generate_key() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(mine, path)  # unlike a rename, this never takes the place of a key that is there
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        return path.read_text("ascii").strip()
    except OSError as error:
        raise StoreError(
            f"The key file {path} cannot be made ({error.strerror}). See that this user may write to its "
            f"folder and that its disk has room, or set ${VARIABLE}."
        ) from error
