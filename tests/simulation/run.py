"""One seed played and checked; and many of them."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .checker import check
from .evidence import Broken, Evidence
from .place import place
from .world import World

LAST_LINES = 40


@dataclass
class Report:
    """What became of a seed."""

    seed: int
    broken: list[Broken] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def text(self, lines: int = LAST_LINES) -> str:
        """For a person: the seed, what was broken, the last lines of the story, and how to see all of it."""
        shown = "\n".join(f"  {one}" for one in self.broken[:10])
        more = f"\n  ... and {len(self.broken) - 10} more" if len(self.broken) > 10 else ""
        story = "\n".join(self.story[-lines:])
        again = f"python -m tests.simulation --seed {self.seed} --story"
        return f"seed {self.seed}\n{shown}{more}\n{story}\nAll of it: {again}"


def play(seed: int, *, story: bool = False) -> Report:
    """Play a seed, and check what it left.

    :param story: keep the whole story, also where nothing is broken.
    """
    report = Report(seed)
    world = World(seed, place())
    try:
        try:
            world.play()
            evidence = Evidence(world)
            report.broken = check(evidence)
            report.counts = counts(evidence)
        except Exception:
            report.broken = [*world.broken, Broken("7", f"the scheduler raised:\n{traceback.format_exc()}")]
        if report.broken or story:
            report.story = world.story.lines() + _log(world)
    finally:
        with suppress(Exception):
            world.close()
    return report


def counts(evidence: Evidence) -> dict[str, int]:
    """How much happened, so that nobody takes a simulation of nothing for a proof."""
    return {
        "runs": len(evidence.runs),
        "attempts": len(evidence.attempts),
        "transitions": len(evidence.transitions),
        "commands": len(evidence.commands),
        "steps": evidence.world.steps,
    }


def _log(world: World) -> list[str]:
    """The transition log, as the end of the story."""
    query = (
        "SELECT t.*, r.dag_id, r.run_id, i.task_id FROM 'transition' t JOIN dag_run r ON r.id = t.run_pk "
        "LEFT JOIN task_instance i ON i.id = t.ti_pk ORDER BY t.rowid"
    )
    return ["-- the log:"] + [_line(row) for row in world.rows(query)]


def _line(row: Any) -> str:
    name = f"{row['dag_id']}/{row['run_id']}" + (f"/{row['task_id']}" if row["task_id"] else "")
    attempt = f" ({row['attempt_id'][-6:]})" if row["attempt_id"] else ""
    return f"{row['at'] / 1e6:.6f}  {name}{attempt}: {row['old']} -> {row['new']}, by {row['cause']}: {row['reason']}"
