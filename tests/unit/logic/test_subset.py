"""Which tasks are meant when some are named, and which run is the latest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewind.logic.latest import is_latest
from tradewind.logic.plan import Plan
from tradewind.logic.subset import states_of, subset
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunType

PLAN = Plan(
    DagSpec(
        dag_id="d",
        tasks=(
            TaskSpec(task_id="up", downstream=("set", "side")),
            TaskSpec(task_id="set", downstream=("work", "tear"), is_setup=True),
            TaskSpec(task_id="side", downstream=("end",)),
            TaskSpec(task_id="work", downstream=("tear", "end")),
            TaskSpec(task_id="tear", is_teardown=True),
            TaskSpec(task_id="end"),
        ),
    )
)


@pytest.mark.parametrize(
    ("named", "along", "meant"),
    [
        ("side", {}, "side"),
        ("side", {"upstream": True}, "side up"),
        ("side", {"downstream": True}, "end side"),
        ("end", {"direct_upstream": True}, "end side work"),
        ("work", {}, "set tear work"),
        ("work", {"downstream": True}, "end set tear work"),
        ("set", {}, "set tear"),
        ("tear", {}, "tear"),
    ],
)
def test_a_task_takes_along_what_it_needs(named: str, along: dict[str, bool], meant: str) -> None:
    found = subset(PLAN, [PLAN.index[named]], **along)

    assert " ".join(sorted(PLAN.tasks[number].task_id for number in found)) == meant


def test_filters_name_states() -> None:
    assert states_of() == ()
    assert states_of(only_failed=True) == ("failed", "upstream_failed")
    assert states_of(only_failed=True, only_running=True) == ("failed", "upstream_failed", "running")


@pytest.mark.parametrize(
    ("run_type", "after", "latest"),
    [
        (RunType.SCHEDULED, timedelta(days=1, hours=1), True),
        (RunType.SCHEDULED, timedelta(days=2), True),
        (RunType.SCHEDULED, timedelta(days=2, seconds=1), False),
        (RunType.BACKFILL, timedelta(days=30), False),
        (RunType.MANUAL, timedelta(days=30), True),
    ],
)
def test_a_run_is_the_latest_until_the_next_one_is_due(
    run_type: RunType, after: timedelta, latest: bool
) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)

    assert is_latest(run_type, start, start + timedelta(days=2), start + after) is latest
