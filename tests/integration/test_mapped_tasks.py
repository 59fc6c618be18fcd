"""Mapped tasks with real processes, seen through the command line."""

from __future__ import annotations

import json

import pytest
from house import House

pytestmark = pytest.mark.integration

FILE = """
from tradewind import DAG, task

with DAG("mapped"):
    @task
    def gen():
        return [1, 2, 0]

    @task(map_index_template="the one of {{ ti.map_index }}")
    def part(x):
        print("dividing by", x)
        return 6 // x

    @task(trigger_rule="all_done")
    def total(parts):
        return sum(parts)

    total(part.expand(x=gen()))
"""


def test_instances_are_run_shown_and_cleared_by_name(house: House) -> None:
    file = house.write("mapped.py", FILE)
    told = house.run(file)
    assert {label: it["state"] for label, it in told["tasks"].items()} == {
        "gen": "success",
        "part[0]": "success",
        "part[1]": "success",
        "part[2]": "failed",
        "total": "success",
    }
    place = ("mapped", told["run_id"])
    states = json.loads(house.tradewind("tasks", "states", *place, "--output", "json").stdout)
    assert [(it["task_id"], it["map_index"], it["rendered_map_index"]) for it in states[1:4]] == [
        ("part", index, f"the one of {index}") for index in range(3)
    ]
    assert "dividing by 2" in house.tradewind("tasks", "logs", *place, "part[1]").stdout
    why = house.tradewind("tasks", "why", *place, "part[2]")
    assert "ZeroDivisionError" in why.stdout
    ambiguous = house.tradewind("tasks", "logs", *place, "part")
    assert ambiguous.returncode == 3
    assert "part[0], part[1], part[2]" in ambiguous.stderr
    assert house.tradewind("tasks", "logs", *place, "part[x]").returncode == 2

    cleared = house.tradewind("tasks", "clear", *place, "part[2]", "--yes")
    assert cleared.returncode == 0, cleared.stderr
    again = json.loads(house.tradewind("tasks", "states", *place, "--output", "json").stdout)
    assert [it["state"] for it in again] == ["success", "success", "success", None, "success"]
