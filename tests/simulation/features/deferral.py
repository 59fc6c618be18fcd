"""Tasks that wait without a slot: for a moment, for a trigger, for runs of other DAGs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from tradewind.model.order import Order
from tradewind.model.outcomes import Deferred, Failed, Outcome, Succeeded
from tradewind.model.spec import TaskSpec
from tradewind.model.waits import FAIL, RunsAwaited

from ..dags import Draft
from ..evidence import Broken, Evidence, Row, micros
from .base import Feature

if TYPE_CHECKING:
    from ..world import World

MOST_ROUNDS = 3


class Deferral(Feature):
    """Tasks that defer themselves, some of them several times."""

    name = "deferral"

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.1, 0.4))
        for task_id in draft.plain():
            if dice.random() < share:
                draft.roles[task_id] = self.name

    def outcome(self, task: TaskSpec, order: Order, world: World, dice: Random) -> Outcome:
        if order.resume is not None and order.resume["method"] == FAIL:
            return Failed(f"TaskDeferralError: {order.resume['error']}")
        if order.rounds >= MOST_ROUNDS or dice.random() < 0.3:
            return Failed("ValueError: not what it waited for") if dice.random() < 0.1 else Succeeded()
        limit, kind = dice.choice((None, None, 60.0, 3600.0)), dice.random()
        if kind < 0.4:
            return Deferred("outside.Trigger", timeout=limit)
        if kind < 0.7:
            until = world.clock.peek() + timedelta(seconds=dice.choice((0.0, 5.0, 600.0)))
            event = json.dumps({"of": order.attempt_id})
            return Deferred("outside.Moment", timeout=limit, until=until, event=event)
        runs = RunsAwaited(
            dag_id=dice.choice(world.dag_ids),
            run_ids=(f"by_hand_{dice.randint(1, 5)}",),
            allowed=("success", "failed"),
            check_existence=dice.random() < 0.3,
        )
        return Deferred("outside.Runs", timeout=limit or 7200.0, runs=runs)

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """Each wait goes on once, not before its time, with what came for it and nothing else."""
        for row in evidence.world.rows("SELECT * FROM wait"):
            yield Broken("wait", f"a wait of run {row['run_pk']} is kept for ever: {row['body']}")
        for pk, attempts in evidence.attempts_of.items():
            name = evidence.name(evidence.instances[pk]) if pk in evidence.instances else f"instance {pk}"
            asked: Row | None = None
            for before, after in pairwise(attempts):
                if before["outcome"] == "deferred":
                    asked = before
                elif before["try_number"] != after["try_number"]:
                    asked = None
                elif asked is not None and (before["outcome"] != "lost" or before["started_at"]):
                    yield Broken("wait", f"{name} went on twice from the wait of attempt {asked['id']}")
                if asked is not None and after["try_number"] == asked["try_number"]:
                    for wrong in self._wrong(evidence, asked, after):
                        yield Broken("wait", f"{name}: {wrong}")

    @staticmethod
    def _wrong(evidence: Evidence, asked: Row, after: Row) -> Iterator[str]:
        said = evidence.executions_of[asked["id"]][0].outcome
        if not isinstance(said, Deferred):
            return
        for execution in evidence.executions_of[after["id"]]:
            resume = execution.resume
            if resume is None:
                yield f"attempt {after['id']} began anew, though it had waited"
            elif resume["method"] == FAIL:
                continue
            elif said.runs is not None:
                if "status" not in json.loads(resume["event"]):
                    yield f"it waited for runs, and got {resume['event']}"
            elif json.loads(resume["event"]) != {"of": asked["id"]}:
                yield f"it waited as {asked['id']}, and got {resume['event']}"
            elif evidence.world.clock.has_jumped or said.until is None:
                continue
            elif after["issued_at"] < micros(said.until):
                yield f"it waited until {said.until}, and went on before that"
