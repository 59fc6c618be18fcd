"""Rules by kind of exception: what they match, what they refuse, and what the scheduler is told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tradewind import (
    DAG,
    ChainRetryPolicy,
    EmptyOperator,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryPolicy,
    RetryRule,
)
from tradewind.errors import DefinitionError
from tradewind.model.spec import RetryRuleSpec
from tradewind.serialization.specs import decode_spec, encode_spec

FIVE = timedelta(seconds=5)
RULES = ExceptionRetryPolicy(
    [
        RetryRule(ConnectionResetError, RetryAction.FAIL, reason="they hung up"),
        RetryRule("builtins.ConnectionError", retry_delay=FIVE),
        RetryRule(OSError, RetryAction.FAIL, match_subclasses=False),
        RetryRule([KeyError, "json.JSONDecodeError"], retry_delay=timedelta(0), reason="its data comes late"),
        RetryRule("no.such.Class", RetryAction.FAIL),
    ]
)


@pytest.mark.parametrize(
    ("error", "action", "delay"),
    [
        (ConnectionResetError(), RetryAction.FAIL, None),
        (ConnectionRefusedError(), RetryAction.RETRY, FIVE),
        (OSError(), RetryAction.FAIL, None),
        (PermissionError(), RetryAction.DEFAULT, None),
        (KeyError(), RetryAction.RETRY, timedelta(0)),
        (__import__("json").JSONDecodeError("", "", 0), RetryAction.RETRY, timedelta(0)),
        (ValueError(), RetryAction.DEFAULT, None),
    ],
)
def test_the_first_rule_that_matches_decides(error: Exception, action: RetryAction, delay: Any) -> None:
    decision = RULES.evaluate(error, 1, 3)
    assert (decision.action, decision.retry_delay) == (action, delay)


def test_what_no_rule_matches_has_the_default() -> None:
    assert ExceptionRetryPolicy([], RetryAction.FAIL).evaluate(ValueError(), 1, 1).action is RetryAction.FAIL


class Says(RetryPolicy):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("silent", [RetryDecision.default(), "no decision", ValueError("broken")])
def test_in_a_chain_the_first_that_says_something_decides(silent: Any) -> None:
    chain = ChainRetryPolicy([Says(silent), Says(RetryDecision.retry(FIVE)), Says(RetryDecision.fail())])
    assert chain.evaluate(ValueError(), 1, 1) == RetryDecision.retry(FIVE)
    assert ChainRetryPolicy([Says(silent)]).evaluate(ValueError(), 1, 1) == RetryDecision.default()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RetryRule("ValueError"),
        lambda: RetryRule(int),  # type: ignore[arg-type]
        lambda: RetryRule(ValueError, "retry"),  # type: ignore[arg-type]
        lambda: RetryRule(ValueError, retry_delay=timedelta(-1)),
        lambda: ExceptionRetryPolicy([ValueError]),  # type: ignore[list-item]
        lambda: ChainRetryPolicy([]),
        lambda: ChainRetryPolicy(RULES),  # type: ignore[arg-type]
        lambda: EmptyOperator(task_id="t", retry_policy=RetryRule(ValueError)),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(DefinitionError):
        wrong()


def test_the_scheduler_is_told_the_rules_of_a_task_by_the_names_of_classes() -> None:
    policy = ExceptionRetryPolicy(
        [RetryRule([KeyError, "a.B"], retry_delay=FIVE, reason="late")], RetryAction.FAIL
    )
    with DAG("d", default_args={"retry_policy": policy}) as dag:
        EmptyOperator(task_id="t")
        EmptyOperator(task_id="own", retry_policy=Says(None))
    t, own = decode_spec(encode_spec(dag.spec())).tasks
    assert t.retry_rules == (
        RetryRuleSpec(exceptions=("builtins.KeyError", "a.B"), delay=5.0, reason="late"),
        RetryRuleSpec(action="fail"),
    )
    assert own.retry_rules == ()
