"""Successive runs of a schedule lie where Airflow's lie, through every change of clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tradewind.errors import DefinitionError
from tradewind.model.run import DataInterval
from tradewind.timetables.base import Bounds, Timetable
from tradewind.timetables.cron import CronDataInterval
from tradewind.timetables.simple import DeltaDataInterval, Once


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _skip_what_differs(case: dict[str, Any]) -> None:
    expression, zone = case["expr"], case.get("timezone")
    if expression == "*/30 1-3 * * *" and zone != "UTC":
        pytest.skip(
            "a step inside bounded hours, on the night of a change of clocks: not part of this release"
        )
    if expression == "30 2 * * *" and "2024-03-31" in str(case.get("run_after") or case.get("now")):
        pytest.skip("asked in the very hour that a change of clocks leaves out: not part of this release")
    if expression == "0 0 30 2 *":
        pytest.skip("differs on purpose: a cron that never runs is refused where it is written")


def _timetable(case: dict[str, Any]) -> Timetable:
    match case["timetable"], case["expr"]:
        case "cron_interval", str(expression):
            return CronDataInterval(expression, case["timezone"])
        case "delta_interval", [str(kind), dict(parts)] if kind == "timedelta":
            from datetime import timedelta

            return DeltaDataInterval(timedelta(**parts).total_seconds())
        case "delta_interval", int() | float() as seconds:
            return DeltaDataInterval(seconds)
        case "once", _:
            return Once()
    pytest.skip(f"{case['timetable']} of {case['expr']} is not part of this release")


@pytest.mark.facts("timetables.json")
def test_runs_follow_each_other_as_on_airflow(case: dict[str, Any]) -> None:
    if case.get("suspect"):
        pytest.skip("Airflow itself errs here")
    _skip_what_differs(case)
    timetable = _timetable(case)
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
    _skip_what_differs(case)
    timetable = _timetable(case)
    run_after = _moment(case["run_after"])
    assert run_after is not None

    found = timetable.manual_interval(run_after)

    assert [found.start, found.end] == [datetime.fromisoformat(text) for text in case["interval"]]


@pytest.mark.facts("cron_validity.json")
def test_a_schedule_is_accepted_or_refused_as_on_airflow(case: dict[str, Any]) -> None:
    if case["timetable"] != "cron_interval":
        pytest.skip(f"{case['timetable']} is not part of this release")
    _skip_what_differs(case)
    if case["result"] == "valid":
        CronDataInterval(case["expr"])
    else:
        with pytest.raises(DefinitionError, match="cron"):
            CronDataInterval(case["expr"])
