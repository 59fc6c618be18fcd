"""LatestOnlyOperator goes on in the runs in which Airflow's does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tradewind.logic.latest import is_latest
from tradewind.model.run import DataInterval
from tradewind.model.states import RunType
from tradewind.timetables.base import Bounds, Timetable
from tradewind.timetables.cron import Cron, CronDataInterval
from tradewind.timetables.simple import DeltaDataInterval


def _next_end(case: dict[str, Any], interval: DataInterval, now: datetime) -> datetime | None:
    expression = case["expr"]
    timetable: Timetable
    match case["timetable"]:
        case "cron_interval":
            timetable = CronDataInterval(expression, case["timezone"])
        case "delta_interval":
            timetable = DeltaDataInterval(timedelta(**expression).total_seconds())
        case "cron_trigger":
            return Cron(expression, case["timezone"]).after(interval.end)
        case "delta_trigger":
            return interval.end + timedelta(**expression)
        case _:
            return None
    planned = timetable.next_run(interval, Bounds(), now)
    return planned.interval.end if planned is not None else None


@pytest.mark.facts("latest_only.json")
def test_the_latest_run_goes_on_as_on_airflow(case: dict[str, Any]) -> None:
    interval = DataInterval(*map(datetime.fromisoformat, case["interval"]))
    now = datetime.fromisoformat(case["now"])

    goes_on = is_latest(RunType(case["run_type"]), interval.start, _next_end(case, interval, now), now)

    assert goes_on is (case["downstream"] == "run")
