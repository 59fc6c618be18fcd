"""How a run should have ended: the trigger rules said once more, naively, over final states.

This is not the scheduler's code and must not become it. Each rule is written as its manual page says it, over the list of
the final states of all direct upstream tasks; a run's tasks are gone through in the order of the graph.
"""

from __future__ import annotations

from tradewind.model.outcomes import Branched
from tradewind.model.spec import DagSpec, TaskSpec

from .evidence import Evidence, Row

RUN = "run"
BAD = ("failed", "upstream_failed")
#: rules that may let a task start before all of its upstream tasks have ended
EARLY = ("one_success", "one_failed", "one_done", "always")
_STATE_AFTER = {"succeeded": "success", "branched": "success", "skipped": "skipped"}


def verdict(rule: str, before: list[str]) -> str:
    """``"run"``, or the state that a task of this rule ends in when its upstream tasks ended in ``before``."""
    if not before or rule in ("always", "all_done", "all_done_setup_success"):
        return RUN
    good, bad = before.count("success"), sum(before.count(state) for state in BAD)
    skipped, all_of_them = before.count("skipped"), len(before)
    match rule:
        case "all_success":
            return "upstream_failed" if bad else "skipped" if skipped else RUN
        case "all_failed":
            return RUN if bad == all_of_them else "skipped"
        case "all_skipped":
            return RUN if skipped == all_of_them else "skipped"
        case "none_failed":
            return "upstream_failed" if bad else RUN
        case "none_skipped":
            return "skipped" if skipped else RUN
        case "none_failed_min_one_success":
            return "upstream_failed" if bad else RUN if good else "skipped"
        case "all_done_min_one_success":
            return "skipped" if skipped else RUN if good else "upstream_failed"
        case "one_success":
            return RUN if good else "skipped" if skipped == all_of_them else "upstream_failed"
        case "one_failed":
            return RUN if bad else "skipped"
        case "one_done":
            return RUN if good or before.count("failed") else "skipped"
    raise AssertionError(rule)


class Expectation:
    """What the instances of one run may have ended in, given what their attempts did."""

    def __init__(self, evidence: Evidence, run_pk: int) -> None:
        self._evidence = evidence
        self._spec: DagSpec = evidence.spec_of(run_pk)
        self._rows: dict[str, Row] = {row["task_id"]: row for row in evidence.instances_of[run_pk]}
        self._behind = {task.task_id: task.downstream for task in self._spec.tasks}

    def wrong(self) -> list[str]:
        """What is not as it should be, in words."""
        found = []
        for task in self._spec.tasks:
            allowed = self._allowed(task)
            state = self._rows[task.task_id]["state"]
            if state not in allowed:
                before = {other: self._rows[other]["state"] for other in self._before(task.task_id)}
                found.append(
                    f"{self._evidence.name(self._rows[task.task_id])} is {state}, and should be {' or '.join(allowed)}: "
                    f"{task.trigger_rule} over {before}"
                )
        return found

    def _before(self, task_id: str) -> list[str]:
        return [task.task_id for task in self._spec.tasks if task_id in task.downstream]

    def _allowed(self, task: TaskSpec) -> list[str]:
        said = verdict(task.trigger_rule, [self._rows[one]["state"] for one in self._before(task.task_id)])
        by_rule = self._after_running(task) if said == RUN else said
        against = self._chosen_against(task.task_id)
        if against is None:
            return [by_rule]
        begun = self._after_running(task) if self._attempts(task.task_id) else "skipped"
        early = task.trigger_rule in EARLY or against == "far"
        return ["skipped", *([by_rule, begun] if early else [])]

    def _chosen_against(self, task_id: str) -> str | None:
        """Whether a branch directly before the task left it out (``"near"``), or a short circuit further up (``"far"``)."""
        found = None
        for task in self._spec.tasks:
            decision = self._decision(task)
            if decision is None:
                continue
            if task_id in task.downstream:
                kept = self._reach(set(decision.follow)) if decision.scope == "direct" else set()
                if task_id not in kept:
                    return "near"
            elif decision.scope == "all" and task_id in self._reach(set(task.downstream)):
                found = "far"
        return found

    def _decision(self, task: TaskSpec) -> Branched | None:
        attempts = self._attempts(task.task_id)
        if not attempts or self._rows[task.task_id]["state"] != "success":
            return None
        for execution in self._evidence.executions_of[attempts[-1]["id"]]:
            if isinstance(execution.outcome, Branched):
                return execution.outcome
        return None

    def _reach(self, task_ids: set[str]) -> set[str]:
        reached = set(task_ids)
        for task in self._spec.tasks:
            if task.task_id in reached:
                reached.update(task.downstream)
        return reached

    def _attempts(self, task_id: str) -> list[Row]:
        return self._evidence.attempts_of.get(self._rows[task_id]["id"], [])

    def _after_running(self, task: TaskSpec) -> str:
        if not task.runs_code:
            return "success"
        attempts = self._attempts(task.task_id)
        if not attempts:
            return "something that it reached by running"
        return _STATE_AFTER.get(attempts[-1]["outcome"], "failed")


def run_state(spec: DagSpec, states: dict[str, str]) -> str:
    """A run has failed where a task at its end has."""
    return "failed" if any(states[t.task_id] in BAD for t in spec.tasks if not t.downstream) else "success"
