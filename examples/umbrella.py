"""Umbrella demand: fetch weather and sales side by side, clean each, join them, train a model, deploy it."""

from __future__ import annotations

from datetime import datetime

import umbrella_steps as steps

from tradewind import DAG, PythonOperator

FOLDER = "{{ var.value.get('example_folder', '/tmp/tradewind-examples') }}/umbrella/{{ ds }}"

with DAG(
    "umbrella",
    schedule="@daily",
    start_date=datetime(2024, 1, 1),
    default_args={"op_kwargs": {"folder": FOLDER}},
    tags=["example"],
):
    fetch_weather = PythonOperator(task_id="fetch_weather", python_callable=steps.fetch_weather)
    fetch_sales = PythonOperator(task_id="fetch_sales", python_callable=steps.fetch_sales)
    clean_weather = PythonOperator(task_id="clean_weather", python_callable=steps.clean_weather)
    clean_sales = PythonOperator(task_id="clean_sales", python_callable=steps.clean_sales)
    join_datasets = PythonOperator(task_id="join_datasets", python_callable=steps.join_datasets)
    train_model = PythonOperator(task_id="train_model", python_callable=steps.train_model)
    deploy_model = PythonOperator(task_id="deploy_model", python_callable=steps.deploy_model)

    fetch_weather >> clean_weather
    fetch_sales >> clean_sales
    [clean_weather, clean_sales] >> join_datasets >> train_model >> deploy_model
