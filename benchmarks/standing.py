"""A system that is up: what it holds while nothing happens, and how soon it sees a DAG file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import dag_files
from benchmarks.figures import Figure, Options, median
from benchmarks.installation import Installation
from benchmarks.processes import cpu_seconds, family, shared_memory

SETTLE = 4.0  #: seconds until a system that was started has come to rest


def measure(options: Options) -> Iterator[Figure]:
    """Memory and CPU of all processes of an installation with one DAG that is switched off; then, files saved to it."""
    seconds = 5.0 if options.quick else 20.0
    with (
        tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder,
        Installation(Path(folder) / "home") as installation,
    ):
        installation.write("one", dag_files.plain("one", 5))
        installation.wait_for(lambda: installation.knows("one"), "DAG one")
        time.sleep(SETTLE)
        pids = family(installation.home)
        before, began = cpu_seconds(pids), time.monotonic()
        time.sleep(seconds)
        used, passed = cpu_seconds(pids) - before, time.monotonic() - began
        note = f"{len(pids)} processes"
        yield Figure(
            what="idle", variant="memory (PSS)", value=shared_memory(pids), unit="MB", budget=120, note=note
        )
        share = 100 * used / passed
        yield Figure(
            what="idle",
            variant="CPU of a core",
            value=share,
            unit="%",
            budget=0.5,
            note=f"over {passed:.0f} s",
        )
        yield from _saved_files(installation, options.samples(6))


def _saved_files(installation: Installation, count: int) -> Iterator[Figure]:
    new = []
    for number in range(count):
        installation.write(f"new{number}", dag_files.plain(f"new{number}", 20))
        new.append(
            installation.wait_for(lambda n=number: installation.knows(f"new{n}"), "new DAG", pause=0.005)
        )
    yield Figure(what="saved to seen", variant="a new file", value=median(new), unit="s", budget=1, n=count)
    changed = []
    for number in range(count):
        before = installation.system.dags.get(f"new{number}").version_id
        installation.write(f"new{number}", dag_files.plain(f"new{number}", 21))
        changed.append(
            installation.wait_for(
                lambda n=number, old=before: installation.system.dags.get(f"new{n}").version_id != old,
                "new version",
                pause=0.005,
            )
        )
    yield Figure(
        what="saved to seen", variant="a changed file", value=median(changed), unit="s", budget=1, n=count
    )
