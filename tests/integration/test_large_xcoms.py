"""Values of megabytes, and thousands of small ones, between real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House

pytestmark = pytest.mark.integration

FILE = """
from tradewind import DAG, task

with DAG("large", schedule=None):

    @task
    def ten():
        return "x" * 10_000_000

    @task
    def almost_a_hundred():
        return "x" * 99_000_000

    @task(trigger_rule="all_done")
    def read(ti):
        ten, hundred = ti.xcom_pull(["ten", "almost_a_hundred"])
        assert [ten, hundred] == ["x" * 10_000_000, "x" * 99_000_000]

    @task
    def too_large():
        return "x" * 110_000_000

    [ten(), almost_a_hundred()] >> read()
    too_large()

with DAG("small", schedule=None):

    @task
    def many(ti):
        for number in range(2000):
            ti.xcom_push(f"key{number}", number)

    @task
    def total(ti):
        assert [ti.xcom_pull("many", key=f"key{number}") for number in range(2000)] == list(range(2000))

    many() >> total()
"""


@pytest.mark.timeout(240)
def test_values_come_back_whole_up_to_the_limit_and_beyond_it_the_task_fails(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        told = house.run(house.write("large.py", FILE), "--dag-id", "large")

        tasks = told["tasks"]
        assert {name: it["state"] for name, it in tasks.items()} == {
            "ten": "success",
            "almost_a_hundred": "success",
            "read": "success",
            "too_large": "failed",
        }
        assert "more than the limit of 100 MiB" in tasks["too_large"]["reason"]
        database = sum(path.stat().st_size for path in house.home.glob("tradewind.db*"))
        assert database < 20_000_000, "large values lie beside the database"
    finally:
        house.close()


def test_thousands_of_small_values_of_one_task(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        told = house.run(house.write("small.py", FILE), "--dag-id", "small")

        assert {name: it["state"] for name, it in told["tasks"].items()} == {
            "many": "success",
            "total": "success",
        }
    finally:
        house.close()
