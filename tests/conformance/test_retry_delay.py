"""The wait before a retry lies where Airflow's lies."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tradewind.logic.retries import wait_before_retry
from tradewind.model.spec import TaskSpec


@pytest.mark.facts("retry_delay.json")
def test_the_wait_lies_in_airflows_range(case: dict[str, Any]) -> None:
    backoff = {True: 2.0, False: 0.0}.get(case["exponential"], float(case["exponential"]))
    delay, cap, failed_try = case["retry_delay_s"], case["max_retry_delay_s"], case["failed_try"]
    task = TaskSpec(task_id="t", retry_delay=delay, retry_backoff=backoff, max_retry_delay=cap)

    wait = wait_before_retry(task, failed_try, "rd#t#2024-01-01")

    if not backoff:
        assert wait == case["wait_s"]
        return
    base = max(1, math.ceil(delay * backoff ** (failed_try - 1)))
    limit = min(86400.0, math.inf if cap is None else cap)
    assert min(base, limit) <= wait <= min(2 * base, limit)
    assert min(base, limit) <= case["wait_s"] <= min(2 * base, limit), "the case itself lies in the range"
