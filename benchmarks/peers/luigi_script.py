"""Luigi: ``luigi.build`` with its local scheduler; one worker for the chain, two for the fan."""

from __future__ import annotations

import itertools
import json
import logging
import sys
import time
from pathlib import Path

import luigi


class Step(luigi.Task):
    name = luigi.Parameter()
    number = luigi.IntParameter()
    width = luigi.IntParameter(default=0)

    def requires(self):
        if self.width:  # a fan: last needs all of the middle, and these need the first
            if self.number == self.width + 1:
                return [Step(self.name, number, self.width) for number in range(1, self.width + 1)]
            return [Step(self.name, 0, self.width)] if self.number else []
        return [Step(self.name, self.number - 1)] if self.number else []

    def output(self):
        return luigi.LocalTarget(f"{self.name}-{self.number}")

    def run(self):
        began = time.time()
        sum(range(10))
        Path(self.output().path).write_text(f"{began} {time.time()}")


def main(length: int, width: int) -> None:
    logging.disable(logging.CRITICAL)
    options = {"local_scheduler": True, "no_lock": True, "log_level": "CRITICAL"}
    began = time.perf_counter()
    assert luigi.build([Step("chain", length - 1)], workers=1, **options)
    chain = time.perf_counter() - began
    moments = [tuple(map(float, Path(f"chain-{number}").read_text().split())) for number in range(length)]
    began = time.perf_counter()
    assert luigi.build([Step("fan", width + 1, width)], workers=2, **options)
    fan = time.perf_counter() - began
    hops = [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(moments)]
    print(json.dumps({"chain_s": chain, "fan_s": fan, "hops_ms": hops, "version": luigi.__version__}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
