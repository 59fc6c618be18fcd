"""From a trigger's classpath to the trigger."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from tradewind.errors import NotFound, TradewindError
from tradewind.ports import components
from tradewind.serialization.values import decode

DAG_MODULE = "tradewind_dag_"  #: what a DAG file is called while it is imported as one


class TriggerLoader:
    """Makes triggers.

    :param folder: the unpacked DAG version whose modules they may come from; empty: installed packages alone.
    :param files: its files, relative to the folder.
    :param import_file: imports a DAG file under a name of its own.
    """

    def __init__(self, folder: str, files: Sequence[str], import_file: Callable[[str], ModuleType]) -> None:
        self._folder = folder
        self._files = files
        self._import_file = import_file

    def make(self, classpath: str, kwargs: str) -> Any:
        """The trigger.

        :raises TradewindError: where there is no such class, or it does not take these arguments.
        """
        kind = self._class(classpath)
        if not callable(getattr(kind, "run", None)):
            raise TradewindError(f"{classpath} is no trigger: it has no run().")
        given = decode(kwargs.encode())
        try:
            return kind(**given)
        except TypeError as error:
            raise TradewindError(
                f"{classpath} cannot be made again from what its serialize() gives "
                f"({', '.join(given) or 'nothing'}): {error}"
            ) from error

    def _class(self, classpath: str) -> Any:
        if "." not in classpath:
            return components.current().get("trigger", classpath)
        parts = classpath.split(".")
        for end in range(len(parts) - 1, 0, -1):  # the class may stand inside of another
            name = ".".join(parts[:end])
            try:
                found: Any = self._module(name)
            except ModuleNotFoundError as error:
                if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
                    continue
                raise
            for part in parts[end:]:
                if not hasattr(found, part):
                    known = [f"{name}.{other}" for other, one in vars(found).items() if isinstance(one, type)]
                    raise NotFound("trigger", classpath, known, f"{name} is there, but has no {part!r}.")
                found = getattr(found, part)
            return found
        raise NotFound(
            "trigger",
            classpath,
            cure="Its module is neither installed where the triggerer runs, nor in the DAG's folder.",
        )

    def _module(self, name: str) -> ModuleType:
        if name.startswith(DAG_MODULE) and "." not in name:
            for file in self._files:
                stem = os.path.splitext(os.path.basename(file))[0]
                if file.endswith(".py") and DAG_MODULE + re.sub(r"\W", "_", stem) == name:
                    return self._import_file(os.path.join(self._folder, file))
        return importlib.import_module(name)


def belongs_to(classpath: str, files: Sequence[str]) -> bool:
    """Whether a class comes from a DAG version's own files rather than from a package that is installed."""
    top = classpath.split(".", 1)[0]
    return top.startswith(DAG_MODULE) or any(
        file == f"{top}.py" or file.startswith(f"{top}/") for file in files
    )
