"""Faults in what single features bring."""

from __future__ import annotations

from typing import Any

from tradewind.logic import plan as plan_module
from tradewind.logic import verdicts as verdicts_module
from tradewind.logic.live_run import LiveRun
from tradewind.scheduler import backfills as backfills_module
from tradewind.scheduler import orders as orders_module
from tradewind.scheduler import scheduler as scheduler_module
from tradewind.scheduler import updates as updates_module
from tradewind.scheduler.callbacks import Callbacks
from tradewind.scheduler.correspondence import Correspondence
from tradewind.scheduler.triggers import Triggers

from .base import Method, fault

# -- setups


@fault(verdicts_module, "_held_by", within=100)
def setups_further_up_forgotten(right: Method) -> Method:
    """A task begins although the setup of its work has failed."""
    return lambda run, setups: None


@fault(plan_module, "effective_leaves", within=100)
def teardowns_decide_the_run(right: Method) -> Method:
    """A run fails where what takes things away does."""
    return lambda tasks, downstream: frozenset(n for n, behind in enumerate(downstream) if not behind)


@fault(LiveRun, "skipped_by_branch", within=150)
def branches_skip_teardowns(right: Method) -> Method:
    """What a branch left out stays set up."""

    def skipped_by_branch(self: LiveRun, decider: int) -> set[int]:
        scopes = self.plan.scopes
        teardowns, scopes.teardowns = scopes.teardowns, ()
        try:
            found: set[int] = right(self, decider)
            return found
        finally:
            scopes.teardowns = teardowns

    return skipped_by_branch


# -- waits


@fault(scheduler_module, "keep")
def waits_forgotten_after_a_restart(right: Method) -> Method:
    """Nobody knows who waits for a trigger, or for a run, once the scheduler was started anew."""
    return lambda memory, run, number, default_executor: None


@fault(Triggers, "welcomed", within=150)
def triggers_not_told_again(right: Method) -> Method:
    """A triggerer that was started anew is told of new waits alone."""

    def welcomed(self: Triggers, welcome: Any) -> None:
        self._sent.clear()
        self._own = set(welcome.held)

    return welcomed


@fault(orders_module, "resume_of")
def events_left_out(right: Method) -> Method:
    """A task that waited begins anew."""
    return lambda wait: None


# -- callbacks


@fault(Callbacks, "_request_again", within=150)
def callbacks_lost_with_their_agent(right: Method) -> Method:
    """A callback whose attempt was lost is not called again."""
    return lambda self, attempt: None


@fault(Callbacks, "request")
def callbacks_asked_for_twice(right: Method) -> Method:
    """A callback is asked for anew while it is being called."""

    def request(self: Callbacks, run: LiveRun, number: int | None, request: Any, delivery: int = 1) -> None:
        right(self, run, number, request, delivery)
        right(self, run, number, request, delivery)

    return request


# -- assets


@fault(updates_module, "satisfied")
def any_asset_is_enough(right: Method) -> Method:
    """A DAG runs as soon as one of the assets that it waits for was updated."""
    return lambda condition, updates: bool(updates)


@fault(updates_module, "make_run", within=100)
def updates_used_twice(right: Method) -> Method:
    """What has made a run goes on waiting for another."""

    def make_run(turn: Any, dag: Any) -> None:
        updates = list(turn.memory.updates.get(dag.dag_id, ()))
        right(turn, dag)
        if updates and dag.dag_id not in turn.memory.updates:
            turn.memory.updates[dag.dag_id] = updates[:1]

    return make_run


# -- the table of facts


@fault(Correspondence, "_take_fact")
def facts_in_the_table_passed_over(right: Method) -> Method:
    """What came by way of the store is taken out, and forgotten."""
    return lambda self, turn, row: True


# -- backfills


@fault(backfills_module, "_note", within=100)
def slots_of_a_backfill_left_out(right: Method) -> Method:
    """Nobody notes what became of each second slot."""

    def note(turn: Any, backfill: Any, slot: Any, result: Any, run_pk: int | None) -> None:
        if slot.number % 2:
            right(turn, backfill, slot, result, run_pk)

    return note
