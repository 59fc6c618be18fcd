"""What the operators ask, and what they make of answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tradewind import DAG, EmptyOperator, Param
from tradewind.errors import DefinitionError
from tradewind.model.outcomes import AwaitsInput, Branched
from tradewind_standard import ApprovalOperator, HITLBranchOperator, HITLEntryOperator, HITLOperator
from tradewind_standard.hitl import HITLRejectException, HITLTimeoutError


class Decided:
    """Stands for ``ti``."""

    def __init__(self) -> None:
        self.outcome: Any = None

    def decide(self, outcome: Any) -> None:
        self.outcome = outcome


def _event(*options: str, **params: Any) -> dict[str, Any]:
    who = {"id": "ann", "name": "ann"}
    return {
        "chosen_options": list(options),
        "params_input": params,
        "responded_at": "now",
        "responded_by_user": who,
    }


def test_it_asks_with_everything_that_a_form_needs() -> None:
    told = []
    with DAG("d"):
        task = HITLOperator(
            task_id="t",
            subject="Which?",
            options=["a", "b"],
            defaults="a",
            params={"n": Param(3, type="integer")},
            assigned_users=[{"id": "1", "name": "bob"}, "eve"],
            response_timeout=timedelta(minutes=1),
            notifiers=[told.append],  # type: ignore[list-item]
        )
    ti = Decided()
    context = {"ti": ti}
    task.execute(context)
    assert told == [context]
    assert isinstance(ti.outcome, AwaitsInput)
    assert ti.outcome.timeout == 60.0
    assert ti.outcome.payload["options"] == ["a", "b"]
    assert ti.outcome.payload["defaults"] == ["a"]
    assert ti.outcome.payload["params"]["n"]["schema"] == {"type": "integer"}
    assert ti.outcome.payload["assigned_users"] == ["1", "eve"]
    assert task.execute_complete(context, _event("b", n=4))["params_input"] == {"n": 4}
    with pytest.raises(HITLTimeoutError, match=r"'Which\?': nothing came"):
        task.resume_execution("__fail__", {"error": "nothing came", "timed_out": True}, context)


@pytest.mark.parametrize(
    ("answer", "arguments", "decided"),
    [
        ("Approve", {}, None),
        ("Reject", {}, Branched(scope="direct", reason="t was rejected by ann")),
        (
            "Reject",
            {"ignore_downstream_trigger_rules": True},
            Branched(scope="all", reason="t was rejected by ann"),
        ),
    ],
)
def test_a_rejection_skips_what_is_behind(answer: str, arguments: dict[str, Any], decided: Any) -> None:
    with DAG("d"):
        task = ApprovalOperator(task_id="t", subject="?", **arguments)
    ti = Decided()
    task.execute_complete({"ti": ti}, _event(answer))
    assert ti.outcome == decided


def test_a_rejection_may_fail_the_task() -> None:
    with DAG("d"):
        task = ApprovalOperator(task_id="t", subject="?", fail_on_reject=True)
    with pytest.raises(HITLRejectException, match="rejected by ann"):
        task.execute_complete({"ti": Decided()}, _event("Reject"))


def test_a_person_chooses_the_branch() -> None:
    with DAG("d"):
        task = HITLBranchOperator(
            task_id="t",
            subject="?",
            options=["left", "other"],
            options_mapping={"other": "right"},
            multiple=True,
        )
        task >> [EmptyOperator(task_id="left"), EmptyOperator(task_id="right")]
    ti = Decided()
    task.execute_complete({"ti": ti, "task": task}, _event("other", "left"))
    assert ti.outcome.follow == ("right", "left")


def test_a_form_needs_no_options() -> None:
    with DAG("d"):
        task = HITLEntryOperator(task_id="t", subject="?", params={"x": 1})
    ti = Decided()
    task.execute({"ti": ti})
    assert (ti.outcome.payload["options"], ti.outcome.payload["defaults"]) == (["OK"], ["OK"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"options": []},
        {"options": ["a", "a"]},
        {"options": ["a"], "defaults": "b"},
        {"options": ["a", "b"], "defaults": ["a", "b"]},
        {"options": ["a"], "response_timeout": 0},
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_written(arguments: dict[str, Any]) -> None:
    with DAG("d"), pytest.raises(DefinitionError):
        HITLOperator(task_id="t", subject="?", **arguments)
    with DAG("e"), pytest.raises(DefinitionError):
        ApprovalOperator(task_id="t", subject="?", options=["x"])
