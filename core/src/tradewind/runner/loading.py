"""From an unpacked DAG version to its DAG."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from tradewind.authoring.collector import collect
from tradewind.authoring.signatures import parameters_of
from tradewind.errors import ImportTimeError
from tradewind.ports import runtime
from tradewind.ports.runtime import Runtime
from tradewind.runner.tracebacks import last_line_in, reason_of, user_traceback

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG


@dataclass(frozen=True, slots=True)
class LoadedDag:
    """A DAG, imported.

    :param folder: where its files are here.
    :param original_folder: where people know them to be.
    """

    dag: DAG
    folder: str
    original_folder: str


def load_dag(
    dag_id: str, folder: str, file: str, original_folder: str, served_by: Runtime | None = None
) -> LoadedDag:
    """Import ``folder/file`` with ``folder`` first on the import path, and find the DAG in it.

    :param served_by: answers what the file asks for while it is imported.
    :raises ImportTimeError: where the import fails, or the DAG is not in the file.
    """
    folder = os.path.abspath(folder)
    known_as = os.path.join(original_folder, file)
    serving: AbstractContextManager[None] = (
        runtime.serve(served_by) if served_by is not None else nullcontext()
    )
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with serving:
            found = {dag.dag_id: dag for dag in collect(import_file(os.path.join(folder, file)))}
    except (Exception, SystemExit) as error:
        line = last_line_in(error, folder + os.sep)
        place = f"{known_as}:{line}" if line is not None else known_as
        raise ImportTimeError(
            f"{place}: the file of DAG {dag_id!r} could not be imported: {reason_of(error)}\n"
            + user_traceback(error, folder, original_folder)
        ) from None
    if dag_id not in found:
        has = ", ".join(sorted(found)) or "no DAG at all"
        raise ImportTimeError(
            f"DAG {dag_id!r} is not in the file {known_as} when it is imported to run a task; it has {has}. A file must "
            f"make the same DAGs wherever it is imported: look for conditions on the time, the environment or a service."
        )
    dag = found[dag_id]
    for task in dag.tasks:
        function = getattr(task, "python_callable", None)
        if callable(function):
            parameters_of(function)
    dag.template_searchpath = _moved(dag.template_searchpath, folder, original_folder)
    return LoadedDag(dag, folder, original_folder)


def _moved(paths: str | Sequence[str] | None, folder: str, original_folder: str) -> list[str]:
    """Search paths below the DAG folder as paths below the unpacked one, where the version's own files are."""
    given = [paths] if isinstance(paths, (str, os.PathLike)) else paths or ()
    outside = original_folder.rstrip(os.sep)
    moved = [os.fspath(path) for path in given]
    return [
        folder + path[len(outside) :] if f"{path}{os.sep}".startswith(outside + os.sep) else path
        for path in moved
    ]


def import_file(path: str) -> ModuleType:
    """Import a file under a name of its own, so that it is in nobody's way."""
    name = "tradewind_dag_" + re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0])
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
