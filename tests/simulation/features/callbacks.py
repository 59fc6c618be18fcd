"""Callbacks of tasks and runs: each that is asked for is called to one end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from tradewind.model.order import Order
from tradewind.model.outcomes import Failed, Outcome, Succeeded

from ..dags import Draft
from ..evidence import Broken, Evidence, Row
from .base import Feature

MOST_DELIVERIES = 5
_OF_TASK = {
    "success": "on_success_callback",
    "failed": "on_failure_callback",
    "up_for_retry": "on_retry_callback",
    "skipped": "on_skipped_callback",
}
_OF_RUN = {"success": "on_success_callback", "failed": "on_failure_callback"}
_BY_HAND = ("mark_run",)  #: commands that end a run without its callbacks


class Callbacks(Feature):
    """Callbacks that succeed, raise, are killed, or are lost with their agent."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.6:
            return
        for fields in draft.tasks.values():
            fields["callbacks"] = tuple(name for name in _OF_TASK.values() if dice.random() < 0.4)
        draft.fields["callbacks"] = tuple(name for name in _OF_RUN.values() if dice.random() < 0.6)

    @staticmethod
    def result(order: Order, dice: Random) -> Outcome:
        """How a call ends. What was killed from outside saw no exception."""
        kind = dice.random()
        if kind < 0.75:
            return Succeeded()
        if kind < 0.9:
            return Failed("ValueError: no luck", exceptions=("builtins.ValueError", "builtins.Exception"))
        return Failed("killed by signal 9 (SIGKILL)")

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """Each change of state that has callbacks asked for them once, and each request came to one end."""
        if evidence.deleted:
            return
        wanted = Counter(self._wanted(evidence))
        asked: Counter[Any] = Counter()
        ended: Counter[Any] = Counter()
        events = {
            row["attempt_id"]: json.loads(row["body"])
            for row in evidence.world.rows("SELECT attempt_id, body FROM callback")
        }
        for row in evidence.callbacks:
            key = (row["run_pk"], None if events[row["id"]]["of_run"] else row["ti_pk"])
            key = (*key, events[row["id"]]["names"][0])
            asked[key] += row["physical_no"] == 1
            ended[key] += self._is_end(evidence, row)
            if len(evidence.executions_of[row["id"]]) > 1:
                yield Broken("2", f"callback {row['id']} was called twice in one attempt")
        for key in {*wanted, *asked}:
            if not wanted[key] == asked[key] == ended[key]:
                number = f"{wanted[key]} times wanted, {asked[key]} asked for, {ended[key]} called to an end"
                yield Broken("callback", f"{key[2]} of run {key[0]}, instance {key[1]}: {number}")

    @staticmethod
    def _is_end(evidence: Evidence, row: Row) -> bool:
        if row["physical_no"] == MOST_DELIVERIES or row["outcome"] == "succeeded":
            return True
        said = [it.outcome for it in evidence.executions_of[row["id"]]]
        return row["outcome"] == "failed" and any(isinstance(it, Failed) and it.exceptions for it in said)

    @staticmethod
    def _wanted(evidence: Evidence) -> Iterator[Any]:
        for row in evidence.transitions:
            if row["ti_pk"] is None:
                name = _OF_RUN.get(row["new"], "")
                command = evidence.commands.get(row["cause_id"]) if row["cause"] == "command" else None
                by_hand = command is not None and command["kind"] in _BY_HAND
                if (
                    name in evidence.spec_of(row["run_pk"]).callbacks
                    and not by_hand
                    and row["old"] == "running"
                ):
                    yield row["run_pk"], None, name
                continue
            name = _OF_TASK.get(row["new"], "")
            ran = row["attempt_id"] is not None or row["old"] in ("running", "restarting")
            if ran and name in evidence.task_of(evidence.instances[row["ti_pk"]]).callbacks:
                yield row["run_pk"], row["ti_pk"], name
