"""The same chain, fan and hops with the peers that are installed, here or in an interpreter that is named.

Each peer has a script here that an interpreter with that peer runs by itself, without Tradewind; it prints one JSON object
with ``chain_s``, ``fan_s``, ``hops_ms`` and ``version``. Settings are those that make the peer fastest on one machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Options, median, quantile
from benchmarks.processes import environment
from benchmarks.runs import LENGTH, WIDTH

SCRIPTS = {
    "luigi": "chain in one process, fan in two; keeps no history",
    "dbos": "all tasks in one process, as threads",
    "prefect": "all tasks in one process, as threads; with the server that it starts for a flow",
}
#: found, but measured with tools of their own: their figures need a server, a database and minutes
NOT_RUN = ("airflow", "dagster")
_LONGEST = 180.0  #: seconds for one peer


def measure(options: Options) -> Iterator[Figure]:
    """Chain, fan and hops of every peer; those that are not installed are named."""
    pythons = (sys.executable, *options.peer_pythons)
    for name, how in SCRIPTS.items():
        python = next((python for python in pythons if _has(python, name)), None)
        if python is None:
            yield Figure(what=f"peer {name}", note="not installed")
            continue
        yield from _figures(name, how, python)
    for name in NOT_RUN:
        there = any(_has(python, name) for python in pythons)
        yield Figure(
            what=f"peer {name}", note="installed, not run by this program" if there else "not installed"
        )


def _has(python: str, module: str) -> bool:
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", look], env=environment(), capture_output=True).returncode == 0


def _figures(name: str, how: str, python: str) -> Iterator[Figure]:
    script = Path(__file__).with_name(f"{name}_script.py")
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder:
        command = [python, str(script), str(LENGTH), str(WIDTH)]
        ended = subprocess.run(
            command,
            env=environment(HOME=folder),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no word"])[-1]
        yield Figure(what=f"peer {name}", note=f"ended with {ended.returncode}: {last[:120]}")
        return
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    what, hops = f"peer {name} {found['version']}", found["hops_ms"]
    yield Figure(what=what, variant=f"chain of {LENGTH}", value=found["chain_s"], unit="s", note=how)
    yield Figure(
        what=what, variant=f"1 to {WIDTH} to 1, two at a time", value=found["fan_s"], unit="s", note=how
    )
    yield Figure(what=what, variant="hop p50", value=median(hops), unit="ms", n=len(hops), note=how)
    yield Figure(what=what, variant="hop p95", value=quantile(hops, 0.95), unit="ms", n=len(hops), note=how)
