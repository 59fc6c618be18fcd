"""Schedules as authors write them: what is refused, what is kept, and where the calendar ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from dateutil.relativedelta import MO, relativedelta

from tradewind import DAG
from tradewind.authoring.schedule import at_trigger_times
from tradewind.errors import DefinitionError
from tradewind.timetables import (
    Bounds,
    ContinuousTimetable,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    EventsTimetable,
    MultipleCronTriggerTimetable,
    NullTimetable,
    OnceTimetable,
    Timetable,
    resolve,
)
from tradewind.timetables.planning import due_runs, runs_ahead

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)
ALL = [
    CronDataIntervalTimetable("0 6 * * 1-5", timezone="Europe/Amsterdam"),
    CronTriggerTimetable("@daily", timezone=ZoneInfo("Asia/Kolkata"), interval=timedelta(hours=2)),
    CronTriggerTimetable(
        "@daily", timezone=pendulum.timezone("Asia/Tokyo"), interval=relativedelta(months=1)
    ),
    CronTriggerTimetable("@daily", run_immediately=timedelta(minutes=1)),
    MultipleCronTriggerTimetable("0 6 * * *", "30 7 * * 1", timezone="Europe/Paris", run_immediately=True),
    DeltaDataIntervalTimetable(timedelta(hours=1, milliseconds=500)),
    DeltaDataIntervalTimetable(relativedelta(years=1, months=2, days=3, hours=4)),
    DeltaDataIntervalTimetable(relativedelta(months=1, day=31)),
    DeltaTriggerTimetable(relativedelta(months=1), interval=timedelta(days=1)),
    EventsTimetable([JANUARY, pendulum.datetime(2024, 3, 1, tz="Europe/Paris")], restrict_to_events=True),
    OnceTimetable(),
    ContinuousTimetable(),
]


@pytest.mark.parametrize("timetable", ALL, ids=repr)
def test_what_is_stored_of_a_timetable_gives_the_same_runs(timetable: Timetable) -> None:
    import json

    spec = DAG("d", schedule=timetable).spec().timetable
    assert spec is not None
    stored = resolve(type(spec)(type=spec.type, args=json.loads(json.dumps(spec.args))))

    assert stored == timetable
    for bounds in (Bounds(JANUARY), Bounds(JANUARY, catchup=False)):
        now = JANUARY + timedelta(days=40)
        assert list(islice(runs_ahead(stored, None, bounds, now), 5)) == list(
            islice(runs_ahead(timetable, None, bounds, now), 5)
        )


def test_the_last_day_of_each_month() -> None:
    last_days = DeltaTriggerTimetable(relativedelta(months=1, day=31))

    found = islice(runs_ahead(last_days, None, Bounds(datetime(2024, 1, 31, tzinfo=UTC)), JANUARY), 4)

    assert [run.run_after.day for run in found] == [31, 29, 31, 30]


def test_no_schedule_by_a_timetable() -> None:
    assert DAG("d", schedule=NullTimetable()).spec().timetable is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DeltaDataIntervalTimetable(timedelta(0)), "never moves on"),
        (lambda: DeltaDataIntervalTimetable(timedelta(days=-1)), "never moves on"),
        (lambda: DeltaTriggerTimetable(relativedelta(months=-1)), "never moves on"),
        (lambda: DeltaTriggerTimetable(relativedelta(day=31)), "never moves on"),
        (lambda: DeltaTriggerTimetable(timedelta(microseconds=1)), "too short: give a second at least"),
        (lambda: DeltaTriggerTimetable(timedelta(days=365_000)), "too long: give a hundred years"),
        (lambda: DeltaTriggerTimetable(relativedelta(months=1, weekday=MO(1))), "write it as a cron"),
        (lambda: CronTriggerTimetable("@daily", interval=timedelta(-1)), "ends before it begins"),
        (lambda: DeltaTriggerTimetable("1 day"), "is no step of time"),
        (lambda: CronTriggerTimetable("@daily", timezone="Mars/Base"), "There is no time zone 'Mars/Base'"),
        (lambda: CronTriggerTimetable("@daily", timezone="+99:99"), "There is no time zone"),
        (lambda: CronTriggerTimetable("@reboot"), "no cron expression"),
        (lambda: CronTriggerTimetable("*/5 * * *"), "no cron expression"),
        (lambda: CronTriggerTimetable("0 0 * * LUN"), "no cron expression"),
        (lambda: CronTriggerTimetable("R 0 * * *"), "a time by chance"),
        (lambda: CronTriggerTimetable(",".join("0" * 600) + " * * * *"), "is no schedule"),
        (lambda: MultipleCronTriggerTimetable(), "needs a cron"),
        (lambda: EventsTimetable([datetime(2024, 1, 1)]), "no moment with a time zone"),
    ],
)
def test_a_timetable_that_cannot_be_is_refused_with_the_cure(make: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make()


@pytest.mark.parametrize("timetable", ALL, ids=repr)
@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize("start", [datetime.min, datetime(1, 1, 2), datetime(1970, 1, 1), datetime.max])
def test_the_ends_of_the_calendar_are_no_error(timetable: Timetable, catchup: bool, start: datetime) -> None:
    earliest = start.replace(tzinfo=UTC)
    for now in (JANUARY, earliest):
        run = timetable.next_run(None, Bounds(earliest, catchup=catchup), now)
        assert run is None or run.run_after >= earliest
    interval = timetable.manual_interval(earliest)
    assert interval.start <= interval.end


def test_a_cron_that_never_comes_has_no_run() -> None:
    never = CronDataIntervalTimetable("0 0 30 2 *")

    assert never.next_run(None, Bounds(JANUARY), JANUARY) is None
    assert never.next_run(None, Bounds(catchup=False), JANUARY) is None


def test_leap_days_and_long_months() -> None:
    leap = runs_ahead(CronTriggerTimetable("0 0 29 2 *"), None, Bounds(JANUARY), JANUARY)
    long = runs_ahead(CronTriggerTimetable("0 0 31 * *"), None, Bounds(JANUARY), JANUARY)

    assert [run.run_after.year for run in islice(leap, 3)] == [2024, 2028, 2032]
    assert [run.run_after.month for run in islice(long, 5)] == [1, 3, 5, 7, 8]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]
)
@pytest.mark.parametrize(
    "cron",
    [
        "30 2 * * *",
        "*/15 * * * *",
        "0 */2 * * *",
        "0 0 * * *",
        "*/30 1-3 * * *",
        "*/30 * * * 1-5",
        "15 0,23 * * *",
    ],
)
@pytest.mark.parametrize("kind", [CronDataIntervalTimetable, CronTriggerTimetable])
def test_runs_go_forwards_through_every_change_of_clocks(kind: Any, cron: str, zone: str) -> None:
    timetable = kind(cron, timezone=zone)
    for start in (
        datetime(2011, 12, 29),
        datetime(2018, 2, 16, 12),
        datetime(2024, 3, 9),
        datetime(2024, 10, 5),
    ):
        moment = start.replace(tzinfo=UTC)
        before = None
        for run in islice(
            runs_ahead(timetable, None, Bounds(moment), moment), 200 if cron.startswith("*/15") else 60
        ):
            assert before is None or (
                run.run_after > before.run_after and run.logical_date > before.logical_date
            )
            before = run


def test_a_cron_on_workdays_begins_monday_at_midnight_after_the_clocks_changed() -> None:
    cron = CronTriggerTimetable("*/30 * * * 1-5", timezone="America/New_York")
    friday = datetime(2024, 3, 9, 4, 30, tzinfo=UTC)  # 23:30 there

    first, second = islice(runs_ahead(cron, None, Bounds(friday), friday), 2)

    assert first.run_after == friday
    assert second.run_after == datetime(2024, 3, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "kind"),
    [
        ("@daily", CronTriggerTimetable),
        ("0 5 * * *", CronTriggerTimetable),
        (timedelta(hours=1), DeltaTriggerTimetable),
        (relativedelta(months=1), DeltaTriggerTimetable),
    ],
)
def test_a_bare_schedule_can_be_set_to_mean_trigger_times(schedule: Any, kind: type[Timetable]) -> None:
    spec = at_trigger_times(schedule, "Europe/Paris", crons=True, deltas=True)

    assert spec is not None
    assert type(resolve(spec)) is kind
    assert at_trigger_times(schedule, "UTC", crons=False, deltas=False) is None


@pytest.mark.parametrize("schedule", [None, "@once", "@continuous", CronDataIntervalTimetable("@daily")])
def test_other_schedules_keep_their_meaning(schedule: Any) -> None:
    assert at_trigger_times(schedule, "UTC", crons=True, deltas=True) is None


def test_due_runs_are_counted_up_to_a_number_and_few_are_not_walked_one_by_one() -> None:
    hourly, bounds = CronDataIntervalTimetable("@hourly"), Bounds(JANUARY)
    later = JANUARY + timedelta(days=3, minutes=1)

    assert due_runs(hourly, None, bounds, later, 1000) == 72
    assert due_runs(hourly, None, bounds, later, 50) == 50
    assert due_runs(hourly, None, bounds, JANUARY, 50) == 0
    began = time.process_time()
    assert due_runs(hourly, None, bounds, JANUARY + timedelta(days=4000), 10**6) == 96_000
    assert time.process_time() - began < 1
