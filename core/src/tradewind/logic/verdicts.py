"""What is to become of an instance that was not looked at yet: its trigger rule, the setups whose work it is of, what it is
mapped over, and the choices that are still to come.
"""

from __future__ import annotations

from dataclasses import replace

from tradewind.logic.expansion import MAX_MAP_LENGTH, is_whole, whole_verdict
from tradewind.logic.live_run import LiveRun
from tradewind.logic.trigger_rules import Upstream, Verdict, evaluate
from tradewind.model.states import TASK_FINAL, TaskState, TriggerRule


def verdict_of(run: LiveRun, number: int, max_map_length: int = MAX_MAP_LENGTH) -> Verdict:
    """Run, end without running, or wait; and why. A mapped task as a whole "runs" by being expanded."""
    task = run.task(number)
    setups = run.plan.scopes.further.get(run.task_of(number), ())
    held = _held_by(run, setups) if setups and task.trigger_rule is not TriggerRule.ALWAYS else None
    verdict = held or evaluate(task.trigger_rule, _upstream(run, number))
    if is_whole(run, number):
        verdict = whole_verdict(run, number, verdict, max_map_length)
    if verdict.set_state is not None and verdict.settled and undecided_choosers(run, number):
        return replace(verdict, settled=False)
    return verdict


def undecided_choosers(run: LiveRun, number: int) -> list[int]:
    """Upstream tasks that have yet to choose: their choice goes before what other upstream tasks make of this one, so
    that a run ends in the same states in whatever order its tasks do."""
    task, plan = run.task_of(number), run.plan
    return [
        decider
        for chooser in (*plan.choosers[task], *plan.far_choosers.get(task, ()))
        for decider in (run.concerned(number, chooser) if number != task else (chooser,))
        if run.states[decider] not in TASK_FINAL
    ]


def _upstream(run: LiveRun, number: int) -> Upstream:
    up, setups = run.upstream_of(number), run.plan.scopes.setups_of.get(run.task_of(number))
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
