"""Runs of real DAG files, from their first task's start to their last one's end."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import dag_files
from benchmarks.figures import Figure, Options, median, quantile
from benchmarks.installation import Installation, Timing

LENGTH, WIDTH, FIBS, FIB = 40, 200, 10, 33


def measure_hops(options: Options) -> Iterator[Figure]:
    """Hops and whole runs of a chain and a fan, in a system that is up; with both settings of ``synchronous``."""
    for synchronous in ("NORMAL", "FULL"):
        with (
            tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder,
            Installation(Path(folder) / "home", TRADEWIND__DATABASE__SYNCHRONOUS=synchronous) as installation,
        ):
            for pandas in (False, True):
                suffix = "_pandas" if pandas else ""
                installation.write(
                    f"chain{suffix}", dag_files.chain(LENGTH, dag_id=f"chain{suffix}", pandas=pandas)
                )
                installation.write(f"fan{suffix}", dag_files.fan(WIDTH, dag_id=f"fan{suffix}", pandas=pandas))
                installation.wait_for(lambda s=suffix: installation.knows(f"fan{s}"), "DAG fan")
                installation.wait_for(lambda s=suffix: installation.knows(f"chain{s}"), "DAG chain")
                variant = f"local, {synchronous}{', pandas' if pandas else ''}"
                yield from _chain_figures(installation, f"chain{suffix}", variant, options.samples(6))
                yield from _fan_figures(installation, f"fan{suffix}", variant, options.samples(5))


def measure_run_command(options: Options) -> Iterator[Figure]:
    """The same by ``tradewind run FILE``, where each run begins with processes that have just started."""
    for executor in ("local", "inline"):
        with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder:
            installation = Installation(Path(folder) / "home", TRADEWIND__CORE__EXECUTOR=executor)
            installation.write("chain", dag_files.chain(LENGTH))
            timings = [installation.run_file("chain") for _ in range(options.samples(5))]
            inline = executor == "inline"
            yield from _hop_figures(
                timings, f"{executor}, tradewind run", 0.5 if inline else 1.5, 1.0 if inline else 3.0
            )
            seconds = median([timing.seconds for timing in timings])
            what = f"chain of {LENGTH}, whole run"
            yield Figure(
                what=what,
                variant=f"{executor}, tradewind run",
                value=seconds,
                unit="s",
                budget=0.1,
                n=len(timings),
            )


def measure_work(options: Options) -> Iterator[Figure]:
    """Ten tasks that compute, on two cores, against the time that the computing itself takes there."""
    floor = min(_two_processes() for _ in range(options.samples(3)))
    with (
        tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder,
        Installation(Path(folder) / "home") as installation,
    ):
        installation.write("fibs", dag_files.fibs(FIBS, FIB))
        installation.wait_for(lambda: installation.knows("fibs"), "DAG fibs")
        installation.run("fibs")
        timings = [installation.run("fibs") for _ in range(options.samples(3))]
    seconds = min(timing.seconds for timing in timings)
    what = f"{FIBS} tasks of fib({FIB}) on 2 cores"
    yield Figure(what=what, variant="whole run", value=seconds, unit="s", n=len(timings), note="best")
    yield Figure(
        what=what,
        variant="two processes, nothing around",
        value=floor,
        unit="s",
        n=options.samples(3),
        note="best",
    )
    yield Figure(what=what, variant="over the ideal", value=100 * (seconds / floor - 1), unit="%", budget=3)


def _chain_figures(installation: Installation, dag_id: str, variant: str, count: int) -> Iterator[Figure]:
    first = installation.run(dag_id)
    timings = [installation.run(dag_id) for _ in range(count)]
    yield from _hop_figures(timings, variant, 1.5, 3.0)
    what, seconds = f"chain of {LENGTH}, whole run", median([timing.seconds for timing in timings])
    note = f"the first run took {first.seconds:.2f} s"
    yield Figure(what=what, variant=variant, value=seconds, unit="s", budget=0.1, n=count, note=note)


def _hop_figures(timings: list[Timing], variant: str, p50: float, p95: float) -> Iterator[Figure]:
    hops = [hop for timing in timings for hop in timing.hops]
    what = "end of a task to start of the next"
    yield Figure(what=what, variant=f"p50, {variant}", value=median(hops), unit="ms", budget=p50, n=len(hops))
    yield Figure(
        what=what, variant=f"p95, {variant}", value=quantile(hops, 0.95), unit="ms", budget=p95, n=len(hops)
    )


def _fan_figures(installation: Installation, dag_id: str, variant: str, count: int) -> Iterator[Figure]:
    installation.run(dag_id)
    seconds = [installation.run(dag_id).seconds for _ in range(count)]
    what = f"1 to {WIDTH} to 1, two at a time"
    yield Figure(what=what, variant=variant, value=median(seconds), unit="s", budget=0.4, n=count)


def fib(n: int) -> int:
    """Slowly, on purpose."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def _two_processes() -> float:
    """Seconds that two processes take for all of the work between them."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(fib, [5, 5])
        began = time.perf_counter()
        pool.map(fib, [FIB] * FIBS, chunksize=1)
        return time.perf_counter() - began
