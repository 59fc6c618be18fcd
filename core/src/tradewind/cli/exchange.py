"""Files of variables and connections: read whole before anything is changed, written for their owner alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tradewind.errors import DefinitionError, NotFound


def read_objects(name: str, what: str) -> dict[str, Any]:
    """A JSON object from a file, or from stdin for ``-``.

    :param what: what is in it, for messages: ``variables``.
    :raises DefinitionError: where it is none.
    """
    if name == "-":
        text, place = sys.stdin.read(), "stdin"
    else:
        path, place = Path(name), name
        if not path.is_file():
            raise NotFound("file", name)
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise DefinitionError(f"{name} is not UTF-8 text; {what} are read from JSON.") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"{place} is not valid JSON ({error}). Nothing was changed.") from None
    if not isinstance(found, dict):
        raise DefinitionError(f"{place} must hold one JSON object, with a name for each of the {what}.")
    return found


def write_objects(name: str, objects: dict[str, Any]) -> None:
    """Write a JSON object to a file that only this user may read, or to stdout for ``-``."""
    text = json.dumps(objects, indent=2) + "\n"
    if name == "-":
        sys.stdout.write(text)
        return
    mine = f"{name}.{os.getpid()}"
    try:
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(mine, name)  # never half a file, and never one that others may read
    except BaseException:
        Path(mine).unlink(missing_ok=True)
        raise
