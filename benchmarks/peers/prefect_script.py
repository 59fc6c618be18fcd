"""Prefect: a flow in this process, with the server that Prefect starts for it; the fan in a pool of two threads."""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
import time
from importlib import metadata

os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
logging.disable(logging.CRITICAL)

from prefect import flow, task  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

moments: list[tuple[float, float]] = []


@task
def step(*before: object) -> int:
    began = time.time()
    total = sum(range(10))
    moments.append((began, time.time()))
    return total


@flow
def chain(length: int) -> float:
    began = time.perf_counter()
    for _ in range(length):
        step()
    return time.perf_counter() - began


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def fan(width: int) -> float:
    began = time.perf_counter()
    first = step.submit()
    middle = [step.submit(first) for _ in range(width)]
    step.submit(*middle).result()
    return time.perf_counter() - began


def main(length: int, width: int) -> None:
    chain(2)  # starts the server, and whatever else is done once
    moments.clear()
    chain_seconds = chain(length)
    hops = [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(moments)]
    fan_seconds = fan(width)
    version = metadata.version("prefect")
    print(
        json.dumps({"chain_s": chain_seconds, "fan_s": fan_seconds, "hops_ms": hops, "version": version}),
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
