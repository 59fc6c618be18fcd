"""What is to become of an instance that was not looked at yet: its trigger rule, the setups whose work it is of, what it is
mapped over, and who has yet to choose."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tradewind.logic import expansion
from tradewind.logic.live_run import LiveRun
from tradewind.logic.mapping import COUNTED
from tradewind.logic.trigger_rules import Upstream, Verdict, evaluate
from tradewind.model.states import TASK_FINAL, TaskState, TriggerRule

_BROKEN = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def verdict_of(run: LiveRun, number: int, max_map_length: int = expansion.MAX_MAP_LENGTH) -> Verdict:
    """Run, end without running, or wait; and why. Of a mapped task as a whole, "run" means that it is expanded.

    :param max_map_length: how many instances a mapped task may have.
    """
    plan, task = run.plan, run.task(number)
    whole = expansion.is_whole(run, number)
    held = None
    if task.trigger_rule is not TriggerRule.ALWAYS and not (whole and expansion.follows(run, number)):
        held = _held_by(run, number, plan.scopes.further.get(run.task_of(number), ()))
    verdict = held or evaluate(task.trigger_rule, _upstream(run, number))
    if whole and held is None:
        verdict = expansion.whole_verdict(run, number, verdict, max_map_length)
    if verdict.set_state is not None and verdict.settled and undecided_choosers(run, number):
        return replace(verdict, settled=False)
    return verdict


def undecided_choosers(run: LiveRun, number: int) -> list[int]:
    """Upstream tasks that have yet to choose: their choice goes before what other upstream tasks make of this one, so that a
    run ends in the same states in whatever order its tasks do."""
    task, plan = run.task_of(number), run.plan
    choosers = (run.beside(number, one) for one in (*plan.choosers[task], *plan.far_choosers.get(task, ())))
    return [chooser for chooser in choosers if run.states[chooser] not in TASK_FINAL]


def _upstream(run: LiveRun, number: int) -> Upstream:
    up, setups = run.upstream_of(number), run.plan.scopes.setups_of.get(run.task_of(number))
    if not setups:
        return up
    states = sum((_states(run, number, setup) for setup in setups), Counter())
    return up._replace(
        setups=states.total(),
        setups_success=states[TaskState.SUCCESS],
        setups_skipped=states[TaskState.SKIPPED],
    )


def _states(run: LiveRun, number: int, setup: int) -> Counter[TaskState | None]:
    """How many instances of a setup, of those that ``number`` has to do with, are in which state; of one that has many, all
    that have not ended count as ``None``."""
    one = run.beside(number, setup)
    block = run.blocks.get(one)
    if block is None:
        return Counter([run.states[one]])
    states: Counter[TaskState | None] = Counter(dict(zip(COUNTED, block.tally, strict=True)))
    states[None] = len(block.numbers) - states.total()
    return states


def _held_by(run: LiveRun, number: int, setups: tuple[int, ...]) -> Verdict | None:
    """What setups further up make of a task of their work; ``None`` where all of them succeeded."""
    found = [(run.label(run.beside(number, setup)), _states(run, number, setup)) for setup in setups]
    failed = [name for name, states in found if any(states[state] for state in _BROKEN)]
    if failed:
        return Verdict(False, TaskState.UPSTREAM_FAILED, f"its setup {failed[0]} failed")
    missing = [name for name, states in found if any(states[state] for state in states.keys() - TASK_FINAL)]
    skipped = [name for name, states in found if states[TaskState.SKIPPED]]
    if skipped:
        return Verdict(False, TaskState.SKIPPED, f"its setup {skipped[0]} was skipped", settled=not missing)
    if missing:
        return Verdict(False, None, f"waits for its setup {missing[0]}")
    return None
