"""What is to become of an instance that was not looked at yet: its trigger rule, and the setups whose work it is of."""

from __future__ import annotations

from tradewind.logic.live_run import LiveRun
from tradewind.logic.trigger_rules import Upstream, Verdict, evaluate
from tradewind.model.states import TaskState, TriggerRule


def verdict_of(run: LiveRun, number: int) -> Verdict:
    """Run, end without running, or wait; and why."""
    plan, task = run.plan, run.plan.tasks[number]
    setups = plan.scopes.further.get(number, ())
    if setups and task.trigger_rule is not TriggerRule.ALWAYS:
        held = _held_by(run, setups)
        if held is not None:
            return held
    return evaluate(task.trigger_rule, _upstream(run, number))


def _upstream(run: LiveRun, number: int) -> Upstream:
    up, setups = run.upstream_of(number), run.plan.scopes.setups_of.get(number)
    if not setups:
        return up
    states = [run.states[setup] for setup in setups]
    return up._replace(
        setups=len(setups),
        setups_success=states.count(TaskState.SUCCESS),
        setups_skipped=states.count(TaskState.SKIPPED),
    )


def _held_by(run: LiveRun, setups: tuple[int, ...]) -> Verdict | None:
    """What setups further up make of a task of their work; ``None`` where all of them succeeded."""
    failed = [s for s in setups if run.states[s] in (TaskState.FAILED, TaskState.UPSTREAM_FAILED)]
    if failed:
        return Verdict(False, TaskState.UPSTREAM_FAILED, f"its setup {run.label(failed[0])} failed")
    missing = [s for s in setups if run.states[s] not in (TaskState.SUCCESS, TaskState.SKIPPED)]
    skipped = [s for s in setups if run.states[s] is TaskState.SKIPPED]
    if skipped:
        why = f"its setup {run.label(skipped[0])} was skipped"
        return Verdict(False, TaskState.SKIPPED, why, settled=not missing)
    if missing:
        return Verdict(False, None, f"waits for its setup {run.label(missing[0])}")
    return None
