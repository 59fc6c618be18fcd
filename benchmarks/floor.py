"""The floor: one task after another with nothing around it but a process of its own and three commits.

Taken in an interpreter that has imported nothing else, since a fork costs more the larger the process is.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Options, median
from benchmarks.processes import environment

_STATES = ("queued", "running", "success")


def measure(options: Options) -> Iterator[Figure]:
    """Fork and three commits, with both settings of ``synchronous``; the parts alone beside it."""
    count = options.samples(300)
    for setting in ("", "NORMAL", "FULL"):
        command = [sys.executable, "-m", "benchmarks.floor", setting, str(count)]
        out = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout
        variant = f"fork + 3 commits, {setting}" if setting else "fork alone"
        yield Figure(what="floor, a task", variant=variant, value=1000 * json.loads(out), unit="ms", n=count)


def _seconds_a_task(count: int, synchronous: str) -> float:
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder:
        connection = _database(Path(folder) / "floor.db", synchronous) if synchronous else None
        times = []
        for number in range(count):
            began = time.perf_counter()
            for state in _STATES:
                if state == "running":
                    _fork()
                if connection is not None:
                    connection.execute("UPDATE task SET state = ? WHERE id = ?", (state, number % 100))
            times.append(time.perf_counter() - began)
        if connection is not None:
            connection.close()
    return median(times)


def _database(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE task (id INTEGER PRIMARY KEY, state TEXT)")
    connection.executemany("INSERT INTO task VALUES (?, '')", [(number,) for number in range(100)])
    return connection


def _fork() -> None:
    child = os.fork()
    if child == 0:
        sum(range(10))
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    print(_seconds_a_task(int(sys.argv[2]), sys.argv[1]))
