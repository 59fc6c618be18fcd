"""A figure: what was measured, how often, and what it should be."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the report.

    :param what: what was measured.
    :param variant: under which conditions: settings, peer, size.
    :param value: the figure; ``None`` where it could not be taken, and ``note`` says why.
    :param budget: what it should stay below, in the same unit.
    :param n: how many samples it comes from.
    """

    what: str
    variant: str = ""
    value: float | None = None
    unit: str = ""
    budget: float | None = None
    n: int = 1
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Options:
    """How thoroughly to measure.

    :param quick: fewer samples and smaller sizes.
    :param peer_pythons: interpreters to look for peers in, besides this one.
    """

    quick: bool = False
    peer_pythons: tuple[str, ...] = ()

    def samples(self, usual: int) -> int:
        """How many samples to take where ``usual`` would do."""
        return max(2, usual // 3) if self.quick else usual


Measure = Callable[[Options], Iterator[Figure]]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of all lie; the nearest that was seen."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
