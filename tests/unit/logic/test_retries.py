"""What becomes of a failure that its own process could not judge any more."""

from __future__ import annotations

import pytest

from tradewind.logic.retries import judged, wait_before_retry
from tradewind.model.outcomes import Failed
from tradewind.model.spec import RetryRuleSpec, TaskSpec

TIMEOUT = ("tradewind.errors.TaskTimeout", "tradewind.errors.TaskSignal", "builtins.Exception")
RULES = (
    RetryRuleSpec(exceptions=("tradewind.errors.TaskTimeout",), action="fail", reason="it never gets faster"),
    RetryRuleSpec(exceptions=("builtins.Exception",), delay=7.0, subclasses=False),
    RetryRuleSpec(exceptions=("builtins.OSError",), delay=0.0),
    RetryRuleSpec(action="default"),
)
TASK = TaskSpec(task_id="a", retry_rules=RULES)


@pytest.mark.parametrize(
    ("exceptions", "retry", "delay"),
    [
        (TIMEOUT, "never", None),
        (("builtins.Exception",), "again", 7.0),
        (("builtins.TimeoutError", "builtins.OSError", "builtins.Exception"), "again", 0.0),
        (("builtins.ValueError", "builtins.Exception"), "default", None),
        ((), "default", None),
    ],
)
def test_the_first_rule_with_a_class_of_the_exception_decides(
    exceptions: tuple[str, ...], retry: str, delay: float | None
) -> None:
    found = judged(TASK, Failed("x", exceptions))
    assert (found.retry, found.retry_delay) == (retry, delay)


def test_the_reason_says_why_it_is_not_tried_again() -> None:
    reason = judged(TASK, Failed("execution_timeout of 5 s exceeded", TIMEOUT)).reason
    assert reason == "execution_timeout of 5 s exceeded (not tried again: it never gets faster)"


@pytest.mark.parametrize("retry", ["never", "again"])
def test_what_its_process_has_decided_stays(retry: str) -> None:
    outcome = Failed("x", TIMEOUT, retry, 3.0)  # type: ignore[arg-type]
    assert judged(TASK, outcome) is outcome


def test_the_wait_before_a_retry_doubles_up_to_its_limit_and_is_spread() -> None:
    task = TaskSpec(task_id="a", retry_delay=10, retry_backoff=2.0, max_retry_delay=60)

    waits = [wait_before_retry(task, number, "a run") for number in range(1, 6)]

    assert all(
        low <= wait <= high
        for wait, low, high in zip(waits, (10, 20, 40, 60, 60), (20, 40, 60, 60, 60), strict=True)
    )
    assert waits[0] == wait_before_retry(task, 1, "a run"), "the same for one and the same try, whoever asks"
    assert len({wait_before_retry(task, 1, f"run {number}") for number in range(20)}) > 5


@pytest.mark.parametrize("failed_try", [1, 60, 1100, 10**9])
def test_no_number_of_tries_makes_a_wait_too_long_to_wait_for(failed_try: int) -> None:
    task = TaskSpec(task_id="a", retry_delay=300, retry_backoff=2.0)

    assert 0 < wait_before_retry(task, failed_try, "a run") <= 86_400
