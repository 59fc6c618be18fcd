"""The names that templates and callables may use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

Run = Callable[..., Any]

RETURNS = "@task\ndef t({}): return {}\nt()"


def test_a_function_gets_the_names_it_asks_for(run: Run) -> None:
    body = RETURNS.format(
        "ds, ti, dag_run, params, task", "[ds, ti.task_id, dag_run.run_type, params, task.task_id]"
    )
    result = run(body, dag_arguments="schedule='@daily', params={'p': 1}", conf={"q": 2})
    assert result.value() == ["2024-06-03", "t", "scheduled", {"p": 1, "q": 2}, "t"]


def test_all_of_the_context_is_passed_without_asking_or_nagging(run: Run, system: Any) -> None:
    body = """
    def show(**context):
        return [str(context["execution_date"]), context["next_ds"], "prev_start_date_success" in context]
    PythonOperator(task_id="t", python_callable=show)
    """
    result = run(body)
    assert result.value() == ["2024-06-03 00:00:00+00:00", "2024-06-04", False]
    assert (system.asked, result.log) == ([], "")


def test_an_older_name_works_and_is_told_once(run: Run) -> None:
    body = "@task\ndef t(a, b): return [a, b]\nt('{{ execution_date }} {{ execution_date.year }}', '{{ prev_ds }}')"
    result = run(body)
    assert result.value() == ["2024-06-03 00:00:00+00:00 2024", "2024-06-02"]
    assert result.log.count("'execution_date' is an older name of the context: use logical_date") == 1


@pytest.mark.parametrize(
    ("schedule", "logical", "expected"),
    [
        ("'@monthly'", datetime(2024, 3, 1, tzinfo=UTC), "2024-02-01"),
        ("'0 0 * * 1-5'", datetime(2024, 6, 3, tzinfo=UTC), "2024-05-31"),
        ("__import__('datetime').timedelta(days=3)", datetime(2024, 6, 3, tzinfo=UTC), "2024-05-31"),
        ("None", datetime(2024, 6, 3, tzinfo=UTC), "2024-06-03"),
    ],
)
def test_the_date_before_is_that_of_the_schedule(
    run: Run, schedule: str, logical: datetime, expected: str
) -> None:
    body = RETURNS.format("prev_ds", "prev_ds")
    assert run(body, dag_arguments=f"schedule={schedule}", logical_date=logical).value() == expected


def test_the_previous_successful_run_is_asked_for_when_it_is_used(run: Run, system: Any) -> None:
    system.previous = {
        "dag_id": "d",
        "run_id": "before",
        "run_type": "scheduled",
        "logical_date": "2024-06-01T00:00:00Z",
        "data_interval": {"start": "2024-06-01T00:00:00Z", "end": "2024-06-02T00:00:00Z"},
        "run_after": "2024-06-02T00:00:00Z",
        "start_date": "2024-06-02T00:00:01Z",
    }
    body = "@task\ndef t(*a): return a\nt('{{ prev_data_interval_end_success | ds }}', '{{ prev_start_date_success }}')"
    assert run(body).value() == ("2024-06-02", "2024-06-02 00:00:01+00:00")


def test_a_run_without_a_logical_date_has_no_ds(run: Run) -> None:
    nothing = {"logical_date": None, "data_interval": None}
    assert "'ds' is undefined" in run("@task\ndef t(x): pass\nt('{{ ds }}')", **nothing).outcome.reason
    body = "PythonOperator(task_id='t', python_callable=lambda **c: 'ds' in c or 'data_interval_end' in c)"
    assert run(body, **nothing).value() is False


def test_conf_that_does_not_meet_a_params_schema_fails_naming_it(run: Run) -> None:
    body = RETURNS.format("params", "params")
    arguments = "schedule=None, params={'n': Param(1, type='integer')}"
    assert run(body, dag_arguments=arguments, conf={"n": 2}).value() == {"n": 2}
    outcome = run(body, dag_arguments=arguments, conf={"n": "two"}).outcome
    assert outcome.reason.startswith("DefinitionError: The params of run 'r' cannot be used:")


def test_names_can_be_set_and_taken_away(run: Run) -> None:
    body = """
    @task
    def t():
        context = get_current_context()
        context["mine"] = 1
        del context["ds"]
        return ["mine" in context, "ds" in context, context.get("ds"), "mine" in dict(context), "ds" in dict(context)]
    t()
    """
    assert run(body).value() == [True, False, None, True, False]


def test_the_task_instance_says_who_it_is(run: Run) -> None:
    body = RETURNS.format(
        "ti",
        "[ti.dag_id, ti.run_id, ti.try_number, ti.max_tries, ti.map_index, ti.state, ti.operator, ti.log_url]",
    )
    result = run(body, {"base_url": "http://localhost:8080/"}, try_number=2, max_tries=3)
    url = "http://localhost:8080/dags/d/runs/r/tasks/t?try_number=2"
    assert result.value()[:5] + [result.value()[-1]] == ["d", "r", 2, 3, -1, url]


def test_variables_and_connections_come_from_the_environment_first(
    run: Run, system: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWIND_VAR_A", "from environment")
    system.variables = {"a": "from system", "b": "from system"}
    system.connections = {"db": {"conn_type": "postgres", "host": "h", "port": 5432}}
    body = """
    @task
    def t(x):
        Variable.set("c", 3)
        return [Variable.get("a"), Variable.get("b"), Variable.delete("b"), x, BaseHook.get_connection("db").port]
    t("{{ var.value.c }} {{ conn.db.host }}")
    """
    system.variables["c"] = "1"
    assert run(body).value() == ["from environment", "from system", True, "1 h", 5432]
    assert system.variables == {"a": "from system", "c": "3"}
