"""Which tasks are meant when some are named: with what is upstream or downstream of them, and their setups and teardowns."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tradewind.logic.plan import Plan
from tradewind.model.states import TaskState

FAILED = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def states_of(*, only_failed: bool = False, only_running: bool = False) -> tuple[TaskState, ...]:
    """The states that the filters of a clear select; empty: every one. Both together select both."""
    return (*(FAILED if only_failed else ()), *((TaskState.RUNNING,) if only_running else ()))


def subset(
    plan: Plan,
    selected: Iterable[int],
    *,
    upstream: bool = False,
    downstream: bool = False,
    direct_upstream: bool = False,
) -> set[int]:
    """The tasks that are meant.

    A task takes along the setups whose work it is of, and their teardowns; a setup by itself its teardowns.

    :param direct_upstream: also what is directly upstream of all that is meant.
    """
    named = set(selected)
    found = plan.reach(named) if downstream else set(named)
    led_to = found - named if upstream else found
    found |= plan.scopes.around(_work(plan, led_to))
    if upstream:
        above = plan.reach_up({before for number in named for before in plan.upstream[number]})
        found |= above | _teardowns(plan, above)
    if not downstream:
        found |= _teardowns(plan, named)
    if direct_upstream:
        found = found | {before for number in found for before in plan.upstream[number]}
    return found


def filtered(plan: Plan, meant: Collection[int], in_state: Collection[int]) -> set[int]:
    """Those of ``meant`` that are in a state asked for, and, for their sake, setups and teardowns that are meant too."""
    found = set(meant) & set(in_state)
    return found | (plan.scopes.around(_work(plan, found)) & set(meant))


def _work(plan: Plan, numbers: set[int]) -> set[int]:
    """Those that are neither setup nor teardown."""
    return {n for n in numbers if not plan.tasks[n].is_setup and not plan.tasks[n].is_teardown}


def _teardowns(plan: Plan, numbers: set[int]) -> set[int]:
    """The teardowns of the setups among these."""
    return {
        teardown
        for number in numbers & plan.scopes.work.keys()
        for teardown in plan.scopes.teardowns_of(number)
    }
