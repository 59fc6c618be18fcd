"""The operator that makes a run of another DAG: what it asks for, and what it refuses."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tradewind.errors import DefinitionError, InvalidId
from tradewind_standard import TriggerDagRunOperator

START = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


class Instance(SimpleNamespace):
    def __init__(self):
        super().__init__(id="018f0000-0000-7000-8000-0000abcd1234", start_date=START, outcome=None, pushed={})

    def xcom_push(self, key, value):
        self.pushed[key] = value

    def decide(self, outcome):
        self.outcome = outcome


def ask(**arguments):
    instance = Instance()
    TriggerDagRunOperator(task_id="t", **{"trigger_dag_id": "other", **arguments}).execute({"ti": instance})
    return instance


def test_a_run_of_its_own_for_each_attempt():
    instance = ask(conf={"n": 1})
    assert instance.outcome.dag_id == "other"
    assert not instance.outcome.wait
    assert instance.outcome.payload["conf"] == {"n": 1}
    assert instance.pushed == {"trigger_run_id": "manual__2024-01-02T03:04:05+00:00_abcd1234"}


@pytest.mark.parametrize(
    "given", ["2024-01-31T08:00+01:00", datetime(2024, 1, 31, 7, tzinfo=UTC), "2024-01-31T07:00"]
)
def test_a_logical_date_names_the_run(given):
    instance = ask(logical_date=given)
    assert instance.pushed["trigger_run_id"] == "manual__2024-01-31T07:00:00+00:00"
    assert instance.outcome.payload["logical_date"] == "2024-01-31T07:00:00+00:00"


def test_what_templates_made_text_of_is_understood():
    instance = ask(conf='{"n": 1}', wait_for_completion="True", skip_when_already_exists="False")
    assert instance.outcome.wait
    assert instance.outcome.payload["conf"] == {"n": 1}
    assert not instance.outcome.payload["skip_existing"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"conf": {"n": object()}}, "JSON"),
        ({"conf": "no json"}, "JSON object"),
        ({"conf": [1]}, "a dict"),
        ({"logical_date": "soon"}, "logical_date is 'soon'"),
        ({"allowed_states": ["done"]}, "allowed_states has 'done'"),
        ({"failed_states": ["running"]}, "failed_states has 'running'"),
        ({"reset_dag_run": True, "skip_when_already_exists": True}, "take one of them out"),
    ],
)
def test_what_cannot_be_is_refused(arguments, says):
    with pytest.raises(DefinitionError, match=says):
        ask(**arguments)


@pytest.mark.parametrize("arguments", [{"trigger_dag_id": "no id"}, {"trigger_run_id": "no id"}])
def test_ids_follow_the_rule(arguments):
    with pytest.raises(InvalidId):
        ask(**arguments)
