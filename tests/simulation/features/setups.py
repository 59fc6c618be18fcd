"""Setups, teardowns, and the work between them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tradewind.model.states import TriggerRule

from ..dags import Draft
from ..evidence import Broken, Evidence
from .base import Feature


class Setups(Feature):
    """Tasks that make something for those behind them, and tasks that take it away again."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.7:
            return
        free = [one for one in draft.plain() if "mapped" not in draft.tasks[one]]
        for setup in free:
            if dice.random() < 0.6 or draft.tasks[setup].get("is_teardown"):
                continue
            draft.tasks[setup]["is_setup"] = True
            for behind in draft.downstream(setup):
                draft.tasks[behind]["trigger_rule"] = TriggerRule.ALL_SUCCESS
            later = [one for one in free[free.index(setup) + 1 :] if not draft.tasks[one].get("is_setup")]
            if later and dice.random() < 0.8:
                self._add_teardown(draft, setup, dice.choice(later), dice)
        for fields in draft.tasks.values():
            if fields.get("is_teardown"):
                fields["trigger_rule"] = TriggerRule.ALL_DONE_SETUP_SUCCESS

    @staticmethod
    def _add_teardown(draft: Draft, setup: str, teardown: str, dice: Random) -> None:
        draft.tasks[teardown]["is_teardown"] = True
        draft.tasks[teardown]["on_failure_fail_dagrun"] = dice.random() < 0.3
        draft.edges.add((setup, teardown))

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """What was set up is taken away again, also where the run was stopped at its first failure."""
        for pk in evidence.runs.keys() - evidence.touched:
            if any("dagrun_timeout" in row["reason"] for row in evidence.transitions_of_run[pk]):
                continue
            tasks = evidence.spec_of(pk).tasks
            made = {row["task_id"] for row in evidence.instances_of[pk] if row["state"] == "success"}
            for row in evidence.instances_of[pk]:
                task = next(task for task in tasks if task.task_id == row["task_id"])
                setups = [one.task_id for one in tasks if one.is_setup and task.task_id in one.downstream]
                if task.is_teardown and made.intersection(setups) and not evidence.attempts_of.get(row["id"]):
                    yield Broken("setup", f"{evidence.name(row)} never ran, though a setup before it did")
