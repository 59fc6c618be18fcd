"""DBOS: steps of one workflow on SQLite; the fan goes through a queue for two at once, polled every 20 ms."""

from __future__ import annotations

import itertools
import json
import logging
import sys
import time
from importlib import metadata
from pathlib import Path

from dbos import DBOS

moments: list[tuple[float, float]] = []


@DBOS.step()
def step() -> int:
    began = time.time()
    total = sum(range(10))
    moments.append((began, time.time()))
    return total


@DBOS.workflow()
def chain(length: int) -> None:
    for _ in range(length):
        step()


@DBOS.workflow()
def one() -> int:
    return step()


@DBOS.workflow()
def fan(width: int) -> None:
    step()
    for handle in [DBOS.enqueue_workflow("fan", one) for _ in range(width)]:
        handle.get_result()
    step()


def main(length: int, width: int) -> None:
    logging.disable(logging.CRITICAL)
    DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{Path.cwd()}/dbos.db"})
    DBOS.launch()
    DBOS.register_queue("fan", worker_concurrency=2, polling_interval_sec=0.02)
    chain(2)  # whatever is done once
    moments.clear()
    began = time.perf_counter()
    chain(length)
    chain_seconds = time.perf_counter() - began
    hops = [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(moments)]
    began = time.perf_counter()
    fan(width)
    fan_seconds = time.perf_counter() - began
    version = metadata.version("dbos")
    print(
        json.dumps({"chain_s": chain_seconds, "fan_s": fan_seconds, "hops_ms": hops, "version": version}),
        flush=True,
    )
    DBOS.destroy()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
