"""Umbrella demand after the sales system was replaced: a branch picks the system by date, and only the newest run deploys.

``join_datasets`` runs when none of its upstream tasks failed, since one of the two ways to it is always skipped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import umbrella_steps as steps

from tradewind import DAG, BranchPythonOperator, EmptyOperator, LatestOnlyOperator, PythonOperator

FOLDER = "{{ var.value.get('example_folder', '/tmp/tradewind-examples') }}/umbrella_branching/{{ ds }}"
NEW_SYSTEM_SINCE = datetime.fromisoformat("2024-03-01T00:00:00+00:00")


def pick_system(data_interval_start: datetime) -> str:
    """The id of the task to go on with."""
    return "fetch_sales_old" if data_interval_start < NEW_SYSTEM_SINCE else "fetch_sales_new"


def step(task_id: str, function: Any, trigger_rule: str = "all_success", **arguments: Any) -> PythonOperator:
    """A task that calls one of the steps in the run's folder."""
    return PythonOperator(
        task_id=task_id,
        python_callable=function,
        op_kwargs={"folder": FOLDER, **arguments},
        trigger_rule=trigger_rule,
    )


with DAG("umbrella_branching", schedule="@daily", start_date=datetime(2024, 1, 1), tags=["example"]):
    start = EmptyOperator(task_id="start")
    pick_sales_system = BranchPythonOperator(task_id="pick_sales_system", python_callable=pick_system)
    latest_only = LatestOnlyOperator(task_id="latest_only")

    fetch_weather = step("fetch_weather", steps.fetch_weather)
    clean_weather = step("clean_weather", steps.clean_weather)
    join_datasets = step("join_datasets", steps.join_datasets, trigger_rule="none_failed")
    train_model = step("train_model", steps.train_model)
    deploy_model = step("deploy_model", steps.deploy_model)

    start >> [pick_sales_system, fetch_weather]
    for system in ("old", "new"):
        fetch_sales = step(f"fetch_sales_{system}", steps.fetch_sales, system=system)
        clean_sales = step(f"clean_sales_{system}", steps.clean_sales, system=system)
        pick_sales_system >> fetch_sales >> clean_sales >> join_datasets
    fetch_weather >> clean_weather >> join_datasets >> train_model >> deploy_model
    latest_only >> deploy_model
