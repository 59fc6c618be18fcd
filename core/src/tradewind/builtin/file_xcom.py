"""Large XComs as files in a folder, on this machine or on a file system that all workers share."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile

from tradewind.errors import NotFound, SerializationError
from tradewind.ports.xcom_backend import XComBackend, XComKey

_REFERENCE = re.compile(r"[0-9a-f]{16}/[0-9a-f]{16}/[0-9a-f]{40}\Z")


class FileXComBackend(XComBackend):
    """Files below ``folder``, one subfolder a DAG and in it one a run; names are hashes of the ids.

    :param folder: absolute; made when it is first written to.
    """

    name = "file"

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def put(self, key: XComKey, value: bytes) -> bytes:
        reference = _reference_of(key)
        path = os.path.join(self._folder, reference)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(
                    file.fileno()
                )  # the reference is committed to the database: the value must not be lost first
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return reference.encode()

    def get(self, reference: bytes) -> bytes:
        path = self._path(reference)
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise NotFound(
                "XCom file",
                path,
                cure="It was deleted, or it was written on another machine: let all workers share the folder, "
                "and clear the task that left the value to have it written again.",
            ) from None

    def delete(self, reference: bytes) -> None:
        path = self._path(reference)
        try:
            os.unlink(path)
            for folder in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
                os.rmdir(folder)
        except OSError:
            pass  # gone already, or its folders hold others

    def _path(self, reference: bytes) -> str:
        text = reference.decode("ascii", "replace")
        if not _REFERENCE.match(text):
            raise SerializationError(f"{text[:80]!r} does not refer to a file that this backend wrote.")
        return os.path.join(self._folder, text)


def _reference_of(key: XComKey) -> str:
    rest = "\0".join((key.task_id, str(key.map_index), key.key, key.attempt_id))
    return f"{_hash(key.dag_id, 16)}/{_hash(key.run_id, 16)}/{_hash(rest, 40)}"


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
