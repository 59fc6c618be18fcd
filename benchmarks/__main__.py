"""``python -m benchmarks [--quick] [--only NAME] [--json FILE] [--peer-python PYTHON]``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import traceback
from pathlib import Path

from benchmarks import report
from benchmarks.figures import Figure, Measure, Options
from benchmarks.machine import describe

#: by the name for ``--only``: the module and its function; in the order in which they are taken
MEASURES = {
    "floor": "benchmarks.floor:measure",
    "hop": "benchmarks.runs:measure_hops",
    "run": "benchmarks.runs:measure_run_command",
    "work": "benchmarks.runs:measure_work",
    "growth": "benchmarks.growth:measure",
    "history": "benchmarks.history:measure",
    "backfill": "benchmarks.backfills:measure",
    "start": "benchmarks.starting:measure",
    "idle": "benchmarks.standing:measure",
    "parsing": "benchmarks.parsing:measure",
    "install": "benchmarks.starting:measure_install",
    "peers": "benchmarks.peers:measure",
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write JSON where asked to; the exit code is 1 where a measurement could not be taken."""
    given = _parser().parse_args(arguments)
    options = Options(quick=given.quick, peer_pythons=tuple(given.peer_python))
    machine = describe()
    for name, value in machine.items():
        print(f"{name}: {value}", file=sys.stderr)
    figures: list[Figure] = []
    failed = False
    for name in given.only or MEASURES:
        began = time.monotonic()
        try:
            for figure in _measure(name)(options):
                figures.append(figure)
                print(report.line(figure), file=sys.stderr, flush=True)
        except Exception as error:  # one figure that cannot be taken must not cost the others
            failed = True
            traceback.print_exc()
            figures.append(Figure(what=name, note=f"could not be measured: {error}"))
        print(f"[{name} took {time.monotonic() - began:.0f} s]", file=sys.stderr, flush=True)
    print(report.table(figures))
    if given.json:
        found = {"machine": machine, "figures": [figure.as_dict() for figure in figures]}
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if failed else 0


def _measure(name: str) -> Measure:
    module, function = MEASURES[name].split(":")
    found: Measure = getattr(importlib.import_module(module), function)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure every budget.")
    parser.add_argument("--quick", action="store_true", help="fewer samples, smaller sizes")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASURES),
        metavar="NAME",
        help=f"one of {', '.join(MEASURES)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    parser.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="PYTHON",
        help="an interpreter with peers installed",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
