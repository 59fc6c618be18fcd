"""Trigger rules: when a task may start, as one table over the counts of its upstream tasks' states.

Each rule is a list of clauses that are read from the top; the first that holds gives the verdict *and* its reason.
Where none holds, the task waits. ``tests/conformance/test_trigger_rules.py`` holds the table against facts measured
on Airflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tradewind.model.states import TaskState, TriggerRule


class Upstream(NamedTuple):
    """How many direct upstream tasks there are, and how many of them ended in which way."""

    total: int
    success: int = 0
    failed: int = 0
    upstream_failed: int = 0
    skipped: int = 0
    removed: int = 0
    setups: int = 0  #: how many of them are setups
    setups_success: int = 0
    setups_skipped: int = 0

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.success + self.failed + self.upstream_failed + self.skipped + self.removed

    @property
    def broken(self) -> int:
        """How many failed, or could not run since something before them failed."""
        return self.failed + self.upstream_failed

    @property
    def all_done(self) -> bool:
        """Whether all have ended."""
        return self.done >= self.total


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trigger rule says: run, end in ``set_state`` without running, or wait (neither).

    ``settled`` is false where an upstream task that has not ended may still turn the verdict into another: a task that
    would be skipped may yet find that something before it failed. Waiting for it makes the outcome of a run the same in
    whatever order its tasks end.
    """

    run: bool
    set_state: TaskState | None
    reason: str
    settled: bool = True

    @property
    def waits(self) -> bool:
        """Whether it is too early to say."""
        return not self.run and self.set_state is None


class _Clause(NamedTuple):
    """When a rule decides, for what, and how that reads; ``why`` is formatted with the counts."""

    holds: Callable[[Upstream], bool]
    then: TaskState | None  # None: run
    why: str


_RUN = None
_BROKEN_FAILS = _Clause(
    lambda up: up.broken > 0,
    TaskState.UPSTREAM_FAILED,
    "{broken} of {total} upstream tasks failed",
)


_NONE_SUCCEEDED_FAILS = _Clause(
    lambda up: up.all_done and up.success == 0,
    TaskState.UPSTREAM_FAILED,
    "all upstream tasks ended, none in success",
)


def _skip(holds: Callable[[Upstream], bool], why: str) -> _Clause:
    return _Clause(holds, TaskState.SKIPPED, why)


_ANY_SKIPPED_SKIPS = _skip(lambda up: up.skipped > 0, "{skipped} of {total} upstream tasks were skipped")


_RULES: dict[TriggerRule, tuple[_Clause, ...]] = {
    TriggerRule.ALL_SUCCESS: (
        _BROKEN_FAILS,
        _ANY_SKIPPED_SKIPS,
        _Clause(lambda up: up.all_done, _RUN, "all upstream tasks succeeded"),
    ),
    TriggerRule.ALL_FAILED: (
        _skip(
            lambda up: up.success + up.skipped > 0,
            "{success} upstream tasks succeeded and {skipped} were skipped, none failed",
        ),
        _Clause(lambda up: up.broken + up.removed >= up.total, _RUN, "all upstream tasks failed"),
    ),
    TriggerRule.ALL_DONE: (_Clause(lambda up: up.all_done, _RUN, "all upstream tasks ended"),),
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: (
        _ANY_SKIPPED_SKIPS,
        _Clause(
            lambda up: up.all_done and up.success > 0, _RUN, "all upstream tasks ended, {success} in success"
        ),
        _NONE_SUCCEEDED_FAILS,
    ),
    TriggerRule.ALL_DONE_SETUP_SUCCESS: (
        _skip(
            lambda up: up.all_done and 0 < up.setups <= up.setups_skipped,
            "what it would undo was not set up: {setups} of {setups} setups were skipped",
        ),
        _Clause(
            lambda up: up.all_done and up.setups > 0 and up.setups_success == 0,
            TaskState.UPSTREAM_FAILED,
            "none of its {setups} setups succeeded",
        ),
        _Clause(lambda up: up.all_done, _RUN, "all upstream tasks ended"),
    ),
    TriggerRule.ALL_SKIPPED: (
        _skip(
            lambda up: up.success + up.broken > 0,
            "{success} upstream tasks succeeded and {broken} failed, not all were skipped",
        ),
        _Clause(lambda up: up.skipped >= up.total, _RUN, "all upstream tasks were skipped"),
    ),
    TriggerRule.ONE_SUCCESS: (
        _Clause(lambda up: up.success > 0, _RUN, "an upstream task succeeded"),
        _skip(lambda up: up.all_done and up.skipped == up.done, "all upstream tasks were skipped"),
        _NONE_SUCCEEDED_FAILS,
    ),
    TriggerRule.ONE_FAILED: (
        _Clause(lambda up: up.broken > 0, _RUN, "an upstream task failed"),
        _skip(lambda up: up.all_done, "all upstream tasks ended, none failed"),
    ),
    TriggerRule.ONE_DONE: (
        _Clause(lambda up: up.success + up.failed > 0, _RUN, "an upstream task ran to its end"),
        _skip(lambda up: up.all_done, "all upstream tasks ended, none of them ran"),
    ),
    TriggerRule.NONE_FAILED: (
        _BROKEN_FAILS,
        _Clause(lambda up: up.all_done, _RUN, "all upstream tasks ended, none failed"),
    ),
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: (
        _BROKEN_FAILS,
        _skip(lambda up: up.skipped >= up.total, "all upstream tasks were skipped"),
        _Clause(
            lambda up: up.all_done and up.success > 0,
            _RUN,
            "all upstream tasks ended, none failed, {success} in success",
        ),
        _NONE_SUCCEEDED_FAILS,
    ),
    TriggerRule.NONE_SKIPPED: (
        _ANY_SKIPPED_SKIPS,
        _Clause(lambda up: up.all_done, _RUN, "all upstream tasks ended, none was skipped"),
    ),
    TriggerRule.ALWAYS: (_Clause(lambda up: True, _RUN, "its trigger rule lets it start at once"),),
}

_NO_UPSTREAM = Verdict(True, None, "it has no upstream tasks")


def evaluate(rule: TriggerRule, up: Upstream) -> Verdict:
    """What ``rule`` says for these counts, and why."""
    if up.total == 0:
        return _NO_UPSTREAM
    for clause in _RULES[rule]:
        if clause.holds(up):
            why = clause.why.format(broken=up.broken, **up._asdict())
            settled = (
                up.all_done or rule is not TriggerRule.ALL_SUCCESS or clause.then is not TaskState.SKIPPED
            )
            return Verdict(clause.then is _RUN, clause.then, f"{why} (trigger rule {rule})", settled)
    return Verdict(
        False, None, f"waits for {up.total - up.done} of {up.total} upstream tasks (trigger rule {rule})"
    )
