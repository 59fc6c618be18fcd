"""The command line of the simulator."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from .faults import FAULTS
from .run import Report, play


def main() -> int:
    """Play seeds; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, metavar="N", help="play N seeds")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first of them")
    parser.add_argument("--seed", type=int, metavar="N", help="play this seed alone")
    parser.add_argument("--story", action="store_true", help="with --seed: tell what happened")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="with a deliberate fault in the scheduler")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--most", type=int, default=3, metavar="N", help="stop after N seeds that failed")
    options = parser.parse_args()
    if options.seed is not None:
        return _one(options)
    return _many(options)


def _one(options: argparse.Namespace) -> int:
    report = _play((options.seed, options.fault, options.story))
    if options.story:
        print("\n".join(report.story))
    for one in report.broken:
        print(one)
    print(f"seed {report.seed}: {'broken' if report.broken else 'all promises kept'} {report.counts}")
    return 1 if report.broken else 0


def _many(options: argparse.Namespace) -> int:
    began, failed, total = time.perf_counter(), 0, Counter[str]()
    work = [(seed, options.fault, False) for seed in range(options.first, options.first + options.seeds)]
    with ProcessPoolExecutor(options.jobs) as pool:
        for report in pool.map(_play, work, chunksize=8):
            total.update(report.counts)
            total["seeds"] += 1
            if report.broken:
                failed += 1
                print(report.text(), end="\n\n", flush=True)
                if failed >= options.most:
                    pool.shutdown(cancel_futures=True)
                    break
    seconds = time.perf_counter() - began
    did = ", ".join(f"{number} {name}" for name, number in sorted(total.items()))
    print(f"{did} in {seconds:.0f} s; {failed} seeds broke a promise")
    return 1 if failed else 0


def _play(work: tuple[int, str | None, bool]) -> Report:
    seed, fault, story = work
    if fault is None:
        return play(seed, story=story)
    with FAULTS[fault].injected():
        return play(seed, story=story)


if __name__ == "__main__":
    sys.exit(main())
