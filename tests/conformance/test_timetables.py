"""Successive runs of a schedule lie where Airflow's lie, through every change of clocks."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from schedules import timetable_of

from tradewind import DAG
from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables import Bounds, resolve


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@pytest.mark.facts("timetables.json")
def test_runs_follow_each_other_as_on_airflow(case: dict[str, Any]) -> None:
    timetable = resolve(timetable_of(case).spec())  # by way of the store, as in the scheduler
    bounds = Bounds(_moment(case["start_date"]), _moment(case["end_date"]), case["catchup"])
    now = _moment(case["now"])
    assert now is not None
    given = case.get("last_interval")
    last = DataInterval(*map(datetime.fromisoformat, given)) if given else None

    for expected in case["runs"]:
        planned = timetable.next_run(last, bounds, now)
        if expected is None:
            assert planned is None
            return
        assert planned is not None
        last = planned.interval
        found = [planned.run_after, last.start, last.end, planned.logical_date]
        assert found == [datetime.fromisoformat(text) for text in expected]


@pytest.mark.facts("manual_intervals.json")
def test_a_triggered_run_gets_airflows_interval(case: dict[str, Any]) -> None:
    run_after = _moment(case["run_after"])
    assert run_after is not None

    found = timetable_of(case).manual_interval(run_after)

    assert [found.start, found.end] == [datetime.fromisoformat(text) for text in case["interval"]]


@pytest.mark.facts("cron_validity.json")
def test_a_schedule_is_accepted_or_refused_as_on_airflow(case: dict[str, Any]) -> None:
    if case["result"] != "valid":
        with pytest.raises(DefinitionError, match="cron"):
            timetable_of(case)
        if case["expr"] != "@once ":
            with pytest.raises(DefinitionError):
                DAG("d", schedule=case["expr"])
        return
    start = datetime.fromisoformat("2024-01-01T00:00:00Z")
    DAG("d", schedule=case["expr"])

    planned = timetable_of(case).next_run(None, Bounds(start), start)

    first = case["first_run_from_2024_01_01"]
    if isinstance(first, str):
        assert planned is None
    else:
        assert planned is not None
        found = [planned.run_after, planned.interval.start, planned.interval.end]
        assert found == [datetime.fromisoformat(text) for text in first]
