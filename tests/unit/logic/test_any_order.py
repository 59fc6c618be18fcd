"""A run ends in the same states in whatever order its tasks end, with setups, teardowns and short circuits in it.

Rules that let a task begin before all upstream tasks have ended are left out: what they do depends on who is first.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from measured import NOW, final_states, new_run, outcome_of

from tradewind.logic.machine import Machine
from tradewind.model.states import RUN_FINAL, TaskState

RULES = ["all_success"] * 5 + [
    "all_done",
    "none_failed",
    "none_failed_min_one_success",
    "all_done_min_one_success",
]


def a_dag(choice: random.Random) -> dict[str, Any]:
    """A small DAG by chance."""
    ids = [f"t{number}" for number in range(choice.randint(3, 8))]
    half = len(ids) // 2
    setups = [it for it in ids[:half] if choice.random() < 0.4]
    chosen = {it: [s for s in setups if choice.random() < 0.6] for it in ids[half:] if choice.random() < 0.5}
    teardowns = {teardown: its for teardown, its in chosen.items() if its}
    edges = [[one, other] for n, one in enumerate(ids) for other in ids[n + 1 :] if choice.random() < 0.3]
    behind_setups = {other for one, other in edges if one in setups}
    tasks = [
        {
            "id": it,
            "kind": choice.choice(["ok", "ok", "ok", "fail", "skip", "short"]),
            "value": False,
            "ignore_rules": choice.random() < 0.6,
            "trigger_rule": "all_success" if it in behind_setups else choice.choice(RULES),
        }
        for it in ids
    ]
    return {"tasks": tasks, "edges": edges, "setups": setups, "teardowns": teardowns}


def ended(case: dict[str, Any], order: random.Random) -> dict[str, Any]:
    """How it ends where the tasks end in that order."""
    run, machine, running = new_run(case), Machine(NOW), list[int]()
    machine.begin(run)
    while run.state not in RUN_FINAL:
        for _, number in machine.delta.ready:
            if run.states[number] is TaskState.SCHEDULED:
                machine.queued(run, number, str(number), "")
                machine.started(run, number, NOW)
                running.append(number)
        machine.delta.ready.clear()
        assert running, f"nothing runs, and nothing ends: {run.states}"
        number = running.pop(order.randrange(len(running)))
        if run.states[number] is TaskState.RUNNING:
            machine.finished(run, number, outcome_of(case["tasks"][number], 1), NOW, NOW)
    return final_states(run)


@pytest.mark.parametrize("part", range(10))
def test_the_order_does_not_matter(part: int) -> None:
    for seed in range(part * 100, (part + 1) * 100):
        case = a_dag(random.Random(seed))
        first, *others = [ended(case, random.Random(order)) for order in range(5)]
        assert all(other == first for other in others), case
