"""The promises hold for the first seeds, a seed gives the same story twice, and every deliberate fault is found."""

from __future__ import annotations

import pytest

from .faults import FAULTS
from .run import play

SEEDS = 300  #: the others are played by ``nox -s simulate``
AT_ONCE = 25


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_all_promises_are_kept(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        report = play(seed)
        assert not report.broken, report.text()
        assert report.counts["steps"] > 0


def test_a_seed_tells_the_same_story_again() -> None:
    assert play(3, story=True).story == play(3, story=True).story


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_deliberate_fault_is_found(name: str) -> None:
    with FAULTS[name].injected():
        assert any(play(seed).broken for seed in range(FAULTS[name].within))
