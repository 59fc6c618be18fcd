"""Umbrella demand as TaskFlow: what a function returns is what the next one gets, and the arrows follow from that."""

from __future__ import annotations

from datetime import datetime

import umbrella_steps as steps

from tradewind import Variable, dag, task


@task
def choose_folder(ds: str) -> str:
    folder = f"{Variable.get('example_folder', default='/tmp/tradewind-examples')}/umbrella_taskflow/{ds}"
    return str(steps.run_folder(folder))


@task
def fetch_weather(folder: str) -> str:
    steps.fetch_weather(folder)
    return folder


@task
def fetch_sales(folder: str) -> str:
    steps.fetch_sales(folder)
    return folder


@task
def clean_weather(folder: str) -> str:
    steps.clean_weather(folder)
    return "weather.csv"


@task
def clean_sales(folder: str) -> str:
    steps.clean_sales(folder)
    return "sales.csv"


@task
def join_datasets(folder: str, tables: list[str]) -> str:
    print("Joining", " and ".join(tables), "of", steps.join_datasets(folder), "days")
    return folder


@task(multiple_outputs=True)
def train_model(folder: str, ds: str) -> dict[str, str | float]:
    return {"model_id": f"umbrella-{ds}", "explained": steps.train_model(folder)}


@task
def deploy_model(folder: str, model_id: str) -> str:
    return steps.deploy_model(folder, model_id)


@dag(schedule="@daily", start_date=datetime(2024, 1, 1), tags=["example"])
def umbrella_taskflow() -> None:
    folder = choose_folder()
    tables = [clean_weather(fetch_weather(folder)), clean_sales(fetch_sales(folder))]
    model = train_model(join_datasets(folder, tables))
    deploy_model(folder, model["model_id"])


umbrella_taskflow()
