"""LatestOnlyOperator goes on in the runs in which Airflow's does."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from schedules import timetable_of

from tradewind.logic.latest import is_latest
from tradewind.model.run import DataInterval
from tradewind.model.states import RunType
from tradewind.timetables import Bounds


@pytest.mark.facts("latest_only.json")
def test_the_latest_run_goes_on_as_on_airflow(case: dict[str, Any]) -> None:
    interval = DataInterval(*map(datetime.fromisoformat, case["interval"]))
    now = datetime.fromisoformat(case["now"])

    following = timetable_of(case).next_run(interval, Bounds(), now)
    next_end = following.interval.end if following is not None else None
    goes_on = is_latest(RunType(case["run_type"]), interval.start, next_end, now)

    assert goes_on is (case["downstream"] == "run")
