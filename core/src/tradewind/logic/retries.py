"""How long to wait for the next try, and whether there is one.

The rule is Airflow's: with back-off the wait lies in ``[b, 2b)`` where ``b = ceil(delay * multiplier ** (failed_try -
1))``, its place in there being a hash, so that tasks that failed together do not come back together.
``max_retry_delay`` caps a back-off alone.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from tradewind.model.outcomes import Failed
from tradewind.model.spec import RetryRuleSpec, TaskSpec

LONGEST_WAIT = 24 * 3600.0  #: seconds; no back-off waits longer


def wait_before_retry(task: TaskSpec, failed_try: int, seed: str) -> float:
    """Seconds from the end of try number ``failed_try`` (1, 2 ...) to the next one.

    :param seed: what the place inside the back-off's range is made from; the same seed gives the same wait.
    """
    if not task.retry_backoff:
        return task.retry_delay
    wait = min(_spread(task.retry_delay, task.retry_backoff, failed_try, seed), LONGEST_WAIT)
    return wait if task.max_retry_delay is None else min(wait, task.max_retry_delay)


def _spread(delay: float, multiplier: float, failed_try: int, seed: str) -> float:
    try:
        base = max(1, math.ceil(delay * multiplier ** (failed_try - 1)))
    except OverflowError:
        return LONGEST_WAIT
    if base >= LONGEST_WAIT:
        return LONGEST_WAIT
    place = int.from_bytes(hashlib.sha256(f"{seed}#{failed_try}".encode()).digest()[:8], "big")
    return float(base + place % base)


def may_retry(try_number: int, max_tries: int) -> bool:
    """Whether a task that failed its try number ``try_number`` gets another one."""
    return try_number <= max_tries


def judged(task: TaskSpec, outcome: Failed) -> Failed:
    """The failure with what the task's rules by kind of exception make of it, where its own process did not say."""
    if outcome.retry == "default" and outcome.exceptions:
        for rule in task.retry_rules:
            if _matches(rule, outcome.exceptions):
                return ruled(outcome, rule.action, rule.delay, rule.reason)
    return outcome


def ruled(outcome: Failed, action: str, delay: float | None, reason: str | None) -> Failed:
    """The failure after a rule or policy has spoken.

    :param action: ``retry`` | ``fail`` | ``default``.
    """
    if action == "fail":
        why = (
            f"{outcome.reason} (not tried again: {reason})"
            if reason
            else f"{outcome.reason} (not tried again)"
        )
        return replace(outcome, retry="never", reason=why)
    if action == "retry":
        why = f"{outcome.reason} ({reason})" if reason else outcome.reason
        return replace(outcome, retry="again", retry_delay=delay, reason=why)
    return outcome


def _matches(rule: RetryRuleSpec, exceptions: tuple[str, ...]) -> bool:
    names = exceptions if rule.subclasses else exceptions[:1]
    return not rule.exceptions or any(name in rule.exceptions for name in names)
