"""What each trigger rule says of upstream tasks that ended in some way."""

from __future__ import annotations

import pytest

from tradewind.logic.trigger_rules import Upstream, evaluate
from tradewind.model.states import TriggerRule

RUNS, WAITS = "runs", "waits"
#: of two upstream tasks: both well | one failed | one skipped | both skipped | one failed, one skipped | one not ended
COLUMNS = (
    Upstream(2, success=2),
    Upstream(2, success=1, failed=1),
    Upstream(2, success=1, skipped=1),
    Upstream(2, skipped=2),
    Upstream(2, failed=1, skipped=1),
    Upstream(2, success=1),
)
TABLE = {
    "all_success": (RUNS, "upstream_failed", "skipped", "skipped", "upstream_failed", WAITS),
    "all_failed": ("skipped", "skipped", "skipped", "skipped", "skipped", "skipped"),
    "all_done": (RUNS, RUNS, RUNS, RUNS, RUNS, WAITS),
    "all_skipped": ("skipped", "skipped", "skipped", RUNS, "skipped", "skipped"),
    "one_success": (RUNS, RUNS, RUNS, "skipped", "upstream_failed", RUNS),
    "one_failed": ("skipped", RUNS, "skipped", "skipped", RUNS, WAITS),
    "one_done": (RUNS, RUNS, RUNS, "skipped", RUNS, RUNS),
    "none_failed": (RUNS, "upstream_failed", RUNS, RUNS, "upstream_failed", WAITS),
    "none_skipped": (RUNS, RUNS, "skipped", "skipped", "skipped", WAITS),
    "none_failed_min_one_success": (RUNS, "upstream_failed", RUNS, "skipped", "upstream_failed", WAITS),
    "all_done_min_one_success": (RUNS, RUNS, "skipped", "skipped", "skipped", WAITS),
    "always": (RUNS,) * 6,
}


@pytest.mark.parametrize("rule", TABLE)
def test_a_rule_says_what_its_name_says(rule: str) -> None:
    said = []
    for upstream in COLUMNS:
        verdict = evaluate(TriggerRule(rule), upstream)
        said.append(RUNS if verdict.run else verdict.set_state or WAITS)
        assert verdict.reason

    assert tuple(said) == TABLE[rule]


def test_a_removed_instance_hinders_nobody() -> None:
    assert evaluate(TriggerRule.ALL_SUCCESS, Upstream(2, success=1, removed=1)).run
    assert evaluate(TriggerRule.ALL_SUCCESS, Upstream(2, removed=2)).run


def test_every_rule_stands_in_the_table() -> None:
    assert set(TriggerRule) - set(TABLE) <= {TriggerRule.ALL_DONE_SETUP_SUCCESS}
