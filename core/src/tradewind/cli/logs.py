"""The log of a task, printed piece by piece, and followed while it grows."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from tradewind.cli.instances import find_instance
from tradewind.cli.invocation import Invocation
from tradewind.errors import NotFound
from tradewind.model.run import TaskInstanceRow
from tradewind.model.states import TASK_FINAL

_PIECE = 64 * 1024
_PAUSE = 0.2  #: seconds between looks at a log that is followed


def show_log(invocation: Invocation, given: argparse.Namespace) -> int:
    """Print the log of one try.

    :raises NotFound: naming the tries that there are.
    """
    run = invocation.run_of(given.dag_id, given.run_id)
    instance = find_instance(invocation, run, given.task_id)
    folder = invocation.system.settings.logs.folder / run.info.dag_id / run.info.run_id / instance.task_id
    if instance.map_index >= 0:
        folder /= f"map_index={instance.map_index}"
    wanted = given.try_number or _newest(folder, instance)
    path = folder / f"{wanted}.log"

    def ended() -> bool:
        now = find_instance(invocation, run, given.task_id)
        return now.state in TASK_FINAL or now.try_number > wanted

    if given.follow and wanted >= 1:
        while not path.exists() and not ended():
            time.sleep(_PAUSE)
    if not path.exists():
        raise NotFound("log of try", str(wanted), cure=_tries_there(folder, instance))
    copy_log(path, ended if given.follow else None)
    return 0


def _tries(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.glob("*.log") if path.stem.isdigit())


def _newest(folder: Path, instance: TaskInstanceRow) -> int:
    """The try that is meant where none is named: the present one, or the last that left a log."""
    return (
        max([instance.try_number, *_tries(folder)])
        if not (folder / f"{instance.try_number}.log").exists()
        else (instance.try_number)
    )


def _tries_there(folder: Path, instance: TaskInstanceRow) -> str:
    tries = _tries(folder)
    if tries:
        return f"There are logs of the tries {', '.join(map(str, tries))}; choose one with --try."
    if instance.try_number == 0:
        return "The task has not begun; `tradewind tasks why` says what it waits for."
    return f"Nothing is in {folder}: the task ended without a process of its own, or its logs were removed."


def copy_log(path: Path, ended: Callable[[], bool] | None = None) -> None:
    """Copy the file to stdout; with ``ended``, go on with what is added until it says so and nothing is left."""
    sys.stdout.flush()
    binary = cast("BinaryIO | None", getattr(sys.stdout, "buffer", None))
    with path.open("rb") as log:
        while True:
            was_over = ended is None or ended()
            while piece := log.read(_PIECE):
                if binary is None:
                    sys.stdout.write(piece.decode(errors="replace"))
                else:
                    binary.write(piece)
            sys.stdout.flush()
            if was_over:
                return
            time.sleep(_PAUSE)
