"""Backfills: runs for past dates, made in order, held and called off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tradewind.model.commands import CancelBackfill, CreateBackfill, PauseBackfill

from ..clock import MIDNIGHT
from ..evidence import Broken, Evidence
from .base import Feature

if TYPE_CHECKING:
    from ..world import World


class Backfills(Feature):
    """Each slot is worked through once, in order; what was called off makes nothing more."""

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.06:
            first = MIDNIGHT - timedelta(minutes=dice.choice((10, 60, 120)))
            last = first + timedelta(minutes=dice.choice((5, 30, 60)))
            command = CreateBackfill(
                dag_id=dice.choice(world.dag_ids),
                from_date=first,
                to_date=last,
                max_active_runs=dice.choice((1, 2, 4)),
                run_backwards=dice.random() < 0.3,
            )
            world.people.ask(command)
        going = world.rows("SELECT id, dag_id FROM backfill WHERE open ORDER BY id")
        if going and dice.random() < 0.2:
            row = dice.choice(going)
            names: Any = {"dag_id": row["dag_id"], "backfill_id": row["id"]}
            if dice.random() < 0.3:
                world.people.ask(CancelBackfill(**names))
            else:
                world.people.ask(PauseBackfill(**names, paused=dice.random() < 0.6))

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """Every slot has what became of it, and its run; nothing is left over once all has ended."""
        if evidence.deleted:
            return
        runs = Counter(run["backfill_id"] for run in evidence.runs.values() if run["backfill_id"])
        for row in evidence.world.rows("SELECT * FROM backfill"):
            name = f"backfill {row['id']} of {row['dag_id']}"
            if row["completed_at"] is None:
                yield Broken("4", f"{name} never ends")
            slots = evidence.world.rows(
                "SELECT * FROM backfill_slot WHERE backfill_id = ? ORDER BY number", row["id"]
            )
            if [slot["number"] for slot in slots] != list(range(1, len(slots) + 1)):
                yield Broken("backfill", f"{name} has slots {[slot['number'] for slot in slots]}")
            if len({slot["logical_date"] for slot in slots}) != len(slots):
                yield Broken("backfill", f"{name} has two slots of one date")
            left = sum(slot["result"] is None for slot in slots)
            if left and row["cancelled_at"] is None:
                yield Broken("backfill", f"{name} left {left} of {len(slots)} slots out")
            made = [slot["run_pk"] for slot in slots if slot["result"] == "created"]
            if runs[row["id"]] != len(made) or len(set(made)) != len(made):
                yield Broken("backfill", f"{name} has {runs[row['id']]} runs in {len(made)} slots")
            for slot in slots:
                run = evidence.runs.get(slot["run_pk"])
                if slot["result"] == "created" and (
                    run is None or run["logical_date"] != slot["logical_date"]
                ):
                    yield Broken("backfill", f"{name}: slot {slot['number']} has no run of its date")
