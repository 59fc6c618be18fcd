"""Umbrella demand with a name for each model: the training task leaves the model's id, the deploying one asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import umbrella_steps as steps

from tradewind import DAG, PythonOperator, chain

FOLDER = "{{ var.value.get('example_folder', '/tmp/tradewind-examples') }}/umbrella_xcom/{{ ds }}"


def train(folder: str, run_id: str, ti: Any) -> None:
    """Train, and leave the id of the model for whoever comes later."""
    explained = steps.train_model(folder)
    ti.xcom_push(key="model_id", value=f"{run_id.split('__')[0]}-{explained:.3f}")


def deploy(folder: str, ti: Any) -> str:
    """Deploy the model that the training task named."""
    return steps.deploy_model(folder, ti.xcom_pull(task_ids="train_model", key="model_id"))


with DAG(
    "umbrella_xcom",
    schedule="@daily",
    start_date=datetime(2024, 1, 1),
    default_args={"op_kwargs": {"folder": FOLDER}},
    tags=["example"],
):
    functions = {
        "fetch_weather": steps.fetch_weather,
        "fetch_sales": steps.fetch_sales,
        "clean_weather": steps.clean_weather,
        "clean_sales": steps.clean_sales,
        "join_datasets": steps.join_datasets,
        "train_model": train,
        "deploy_model": deploy,
    }
    tasks = {name: PythonOperator(task_id=name, python_callable=step) for name, step in functions.items()}
    chain(
        [tasks["fetch_weather"], tasks["fetch_sales"]],
        [tasks["clean_weather"], tasks["clean_sales"]],
        tasks["join_datasets"],
        tasks["train_model"],
        tasks["deploy_model"],
    )
