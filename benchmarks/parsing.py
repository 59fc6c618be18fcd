"""Importing a folder of DAG files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import dag_files
from benchmarks.figures import Figure, Options, median
from benchmarks.installation import Installation

TASKS = 20


def measure(options: Options) -> Iterator[Figure]:
    """Milliseconds a file, from the first file's import to the last one's, when a system starts on a full folder."""
    count = 50 if options.quick else 200
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder:
        installation = Installation(Path(folder) / "home")
        for number in range(count):
            installation.write(f"dag{number:03d}", dag_files.plain(f"dag{number:03d}", TASKS))
        with installation:
            installation.wait_for(
                lambda: len(installation.system.dags.find()) == count, f"{count} DAGs", pause=0.1
            )
            rows = installation.system.dags.find()
    moments = sorted(row.imported_at for row in rows if row.imported_at is not None)
    a_file = (moments[-1] - moments[0]).total_seconds() * 1000 / (count - 1)
    what = f"parsing {count} files of {TASKS} tasks"
    yield Figure(what=what, variant="a file, wall", value=a_file, unit="ms", budget=5, n=count)
    inside = median([row.import_seconds or 0.0 for row in rows]) * 1000
    yield Figure(what=what, variant="a file, in the importing process", value=inside, unit="ms", n=count)
