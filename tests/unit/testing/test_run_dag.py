"""DAGs run in the test's own process: results, injected outcomes, faked variables and connections, and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradewind import DAG, BaseHook, BranchPythonOperator, EmptyOperator, ShortCircuitOperator, Variable, task
from tradewind.errors import NotFound, Refused
from tradewind.testing import App, run_dag


def etl(**fields: Any) -> DAG:
    with DAG("etl", **fields) as dag:

        @task(retries=2, retry_delay=timedelta(minutes=5))
        def fetch(ds: str) -> list[int]:
            print(f"fetching {ds}")
            return [1, 2, 3]

        @task
        def total(values: list[int]) -> int:
            return sum(values)

        total(fetch())
    return dag


def branching() -> DAG:
    with DAG("branching") as dag:
        branch = BranchPythonOperator(task_id="branch", python_callable=lambda: "a")
        branch >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
    return dag


def test_a_run_tells_states_values_logs_and_reasons() -> None:
    run = run_dag(etl(), logical_date=datetime(2025, 3, 1, tzinfo=UTC))

    assert run.ok
    assert run.states == {"fetch": "success", "total": "success"}
    assert run["total"].result == 6
    assert "fetching 2025-03-01" in run["fetch"].log
    assert run["fetch"].tries == 1
    assert "all upstream tasks succeeded" not in run["total"].log


def test_what_a_task_raises_is_in_its_reason_its_log_and_the_result_as_text() -> None:
    with DAG("d") as dag:

        @task
        def divide() -> float:
            return 1 / 0

        divide()

    run = run_dag(dag)

    assert not run.ok
    assert "ZeroDivisionError" in run["divide"].reason
    assert "return 1 / 0" in run["divide"].log
    assert "ZeroDivisionError" in str(run)


def test_tries_that_are_to_fail_do_and_the_wait_between_them_takes_no_time() -> None:
    run = run_dag(etl(), fail={"fetch": 2})

    assert run.ok
    assert run["fetch"].tries == 3
    assert run.end_date is not None
    assert run.start_date is not None
    assert run.end_date - run.start_date == timedelta(minutes=10)


def test_a_task_that_always_fails_takes_those_behind_it_with_it() -> None:
    assert run_dag(etl(), fail={"fetch"}).states == {"fetch": "failed", "total": "upstream_failed"}


def test_a_task_fails_with_the_exception_that_the_test_names() -> None:
    assert run_dag(etl(), fail={"total": ValueError("too much")})["total"].reason == "ValueError: too much"


def test_a_value_can_be_put_in_the_place_of_a_task() -> None:
    assert run_dag(etl(), returns={"fetch": [10, 20]})["total"].result == 30


def test_a_task_can_be_told_to_skip() -> None:
    assert run_dag(etl(), skip={"fetch"}).states == {"fetch": "skipped", "total": "skipped"}


@pytest.mark.parametrize(
    ("choose", "states"),
    [
        ({}, {"branch": "success", "a": "success", "b": "skipped"}),
        ({"branch": "b"}, {"branch": "success", "a": "skipped", "b": "success"}),
        ({"branch": ["a", "b"]}, {"branch": "success", "a": "success", "b": "success"}),
        ({"branch": []}, {"branch": "success", "a": "skipped", "b": "skipped"}),
    ],
)
def test_the_test_chooses_for_a_branch(choose: dict[str, Any], states: dict[str, str]) -> None:
    assert run_dag(branching(), choose=choose).states == states


@pytest.mark.parametrize(("passes", "state"), [(True, "success"), (False, "skipped")])
def test_the_test_chooses_for_a_short_circuit(passes: bool, state: str) -> None:
    with DAG("d") as dag:
        check = ShortCircuitOperator(task_id="check", python_callable=lambda: 1 / 0)
        check >> EmptyOperator(task_id="after")

    assert run_dag(dag, choose={"check": passes})["after"].state == state


def test_a_task_that_is_not_there_is_named_with_those_that_are_close() -> None:
    with pytest.raises(NotFound, match="fetch"):
        run_dag(etl(), fail={"fech": 1})
    with pytest.raises(NotFound, match="directly after 'branch'"):
        run_dag(branching(), choose={"branch": "c"})


def test_variables_and_connections_are_those_of_the_test() -> None:
    with DAG("d") as dag:

        @task
        def where() -> str:
            return f"{Variable.get('city')} {BaseHook.get_connection('db').host}"

        where()

    run = run_dag(dag, variables={"city": "Oslo"}, connections={"db": "postgres://u:p@db.example:5432/x"})

    assert run["where"].result == "Oslo db.example"


def test_a_run_that_cannot_end_says_what_it_waits_for() -> None:
    with DAG("d") as dag:

        @task(pool="db")
        def t() -> None: ...

        t()

    with pytest.raises(Refused, match="pool 'db'"):
        run_dag(dag, pools={"db": 0})
    assert run_dag(dag).ok


def test_a_month_of_a_daily_dag_runs_when_the_clock_is_moved(tradewind_app: App) -> None:
    dag = etl(schedule="@daily", start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=True)
    tradewind_app.add(dag)

    tradewind_app.clock.move(days=31)

    runs = tradewind_app.runs("etl")
    assert [run.logical_date for run in runs] == [datetime(2025, 1, day, tzinfo=UTC) for day in range(1, 32)]
    assert all(run.ok for run in runs)
    assert runs[0].start_date == datetime(2025, 1, 2, tzinfo=UTC)
    assert "fetching 2025-01-31" in runs[-1]["fetch"].log


def test_a_paused_dag_makes_no_runs_until_it_is_switched_on(tradewind_app: App) -> None:
    tradewind_app.add(etl(schedule="@hourly", start_date=datetime(2025, 1, 1, tzinfo=UTC)), paused=True)
    tradewind_app.clock.move(hours=3)
    assert tradewind_app.runs("etl") == []

    tradewind_app.unpause("etl")
    tradewind_app.clock.move(hours=1)
    assert [run.logical_date.hour for run in tradewind_app.runs("etl") if run.logical_date] == [2, 3]


def test_runs_of_one_app_see_each_other(tradewind_app: App) -> None:
    with DAG("d") as dag:

        @task
        def count() -> int:
            seen = int(Variable.get("seen", default_var=0)) + 1
            Variable.set("seen", str(seen))
            return seen

        count()

    assert [tradewind_app.run(dag, run_id=name)["count"].result for name in ("one", "two")] == [1, 2]


def test_the_fixtures_share_one_app(run_dag: Any, tradewind_app: App, tradewind_clock: Any) -> None:
    tradewind_clock.move_to(datetime(2026, 1, 1, tzinfo=UTC))

    assert run_dag(etl()).start_date == datetime(2026, 1, 1, tzinfo=UTC)
    assert len(tradewind_app.runs("etl")) == 1


def test_the_clock_does_not_go_back(tradewind_app: App) -> None:
    with pytest.raises(Refused, match="does not go back"):
        tradewind_app.clock.move_to(datetime(2020, 1, 1, tzinfo=UTC))


def test_nothing_is_left_behind(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert run_dag(etl()).ok
    assert list(tmp_path.iterdir()) == []


def test_instances_of_a_mapped_task_are_there_by_their_index() -> None:
    with DAG("d") as dag:

        @task
        def numbers() -> list[int]:
            return [1, 2]

        @task
        def double(number: int) -> int:
            print(f"doubling {number}")
            return 2 * number

        @task
        def add(doubled: list[int]) -> int:
            return sum(doubled)

        add(double.expand(number=numbers()))

    run = run_dag(dag, returns={"numbers": [5, 6, 7]})

    assert run.ok, str(run)
    assert [run[f"double[{index}]"].result for index in range(3)] == [10, 12, 14]
    assert "doubling 6" in run["double[1]"].log
    assert run["add"].result == 36
