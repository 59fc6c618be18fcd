"""``core.default_timezone`` means the same wherever a DAG file is imported: to schedule it, and to run its tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import House

pytestmark = pytest.mark.integration

FILE = """
from datetime import datetime
from tradewind import DAG, task

with DAG("naive", schedule="0 6 * * *", start_date=datetime(2024, 7, 1)) as dag:

    @task
    def tell(dag):
        assert dag.timezone == "Asia/Tokyo", dag.timezone

    tell()
"""


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_a_naive_date_is_one_of_the_default_time_zone(tmp_path: Path, executor: str) -> None:
    house = House(tmp_path, TRADEWIND__CORE__DEFAULT_TIMEZONE="Asia/Tokyo")
    try:
        told = house.run(house.write("naive.py", FILE), "--executor", executor)
        coming = json.loads(house.tradewind("dags", "next", "naive", "--output", "json").stdout)
    finally:
        house.close()

    assert told["state"] == "success", told
    assert "T21:00:00" in coming[0]["data_interval_end"]  # 06:00 in Tokyo
