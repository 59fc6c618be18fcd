"""The table of trigger rules gives what Airflow gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tradewind.logic.trigger_rules import Upstream, evaluate
from tradewind.model.states import TriggerRule


@pytest.mark.facts("trigger_rules.json")
def test_a_rule_runs_ends_or_waits_as_on_airflow(case: dict[str, Any]) -> None:
    count = Counter(case["upstream"])
    ended = {name: count[name] for name in ("success", "failed", "upstream_failed", "skipped", "removed")}

    verdict = evaluate(TriggerRule(case["rule"]), Upstream(len(case["upstream"]), **ended))

    assert (verdict.run, verdict.set_state) == (case["run"], case["set_state"])
    assert verdict.reason
