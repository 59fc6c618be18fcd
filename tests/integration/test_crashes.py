"""kill -9 of whatever there is, at named points and at random moments: every run comes to its end, nothing runs twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from house import House, processes_of
from servers import fresh_database

from tradewind.model.commands import SetPaused, TriggerRun
from tradewind.model.states import RunState
from tradewind.scheduler.scheduler import POINTS

pytestmark = pytest.mark.integration

DAG_FILE = """
import os, time
from datetime import timedelta
from tradewind import DAG, EmptyOperator, task

LEDGER = {ledger!r}

with DAG("work", default_args={{"retries": 60, "retry_delay": timedelta(0)}}, max_active_runs=100):

    @task
    def step(after=None):
        with open(LEDGER, "a") as ledger:
            ledger.write(os.environ["TRADEWIND_CTX_ATTEMPT_ID"] + "\\n")
        time.sleep({seconds})
        return os.getpid()

    first = step()
    middle = [step(first) for _ in range(3)]
    last = step(middle)
    last >> EmptyOperator(task_id="done")
"""


def _prepare(house: House, tmp_path: Path, seconds: float) -> Path:
    ledger = tmp_path / "ledger"
    ledger.touch()
    house.write("work.py", DAG_FILE.format(ledger=str(ledger), seconds=seconds))
    return ledger


def _check(house: House, ledger: Path, runs: int) -> None:
    """The promises, held against what is in the database and what user code wrote."""
    found = house.system.runs.find("work", limit=None)
    assert len(found) == runs
    assert {row.state for row in found} == {RunState.SUCCESS}
    assert house.system.attempts.open_attempts() == []
    started = Counter(ledger.read_text().split())
    assert [attempt for attempt, times in started.items() if times > 1] == [], "an attempt ran twice"
    for row in found:
        for instance in house.system.runs.task_instances(row.pk):
            tries = house.system.attempts.of_task_instance(instance.pk)
            accepted = [it for it in tries if it.outcome == "succeeded"]
            assert instance.state == "success"
            assert len(accepted) == (0 if instance.task_id == "done" else 1), "one accepted result each"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house with the database in a file, and one with a server's."""
    with ExitStack() as stack:
        kind = request.param
        settings = (
            {}
            if kind == "sqlite"
            else {"TRADEWIND__DATABASE__URL": stack.enter_context(fresh_database(kind))}
        )
        house = House(tmp_path, **settings)
        stack.callback(house.close)
        yield house


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("point", POINTS)
def test_a_scheduler_killed_at_a_named_point_loses_and_doubles_nothing(
    any_house: House, tmp_path: Path, point: str, count: int
) -> None:
    house = any_house
    ledger = _prepare(house, tmp_path, 0.0)
    house.import_dags()
    house.system.command(SetPaused(dag_id="work", paused=False))
    house.system.command(TriggerRun(dag_id="work", run_id="r"))
    script = [sys.executable, str(Path(__file__).with_name("dying_scheduler.py")), str(house.home)]
    died = subprocess.run([*script, point, str(count)], env=house.environ, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL

    with subprocess.Popen([*script, point, "0"], env=house.environ) as again:
        try:
            house.until(lambda: not house.open_runs())
        finally:
            again.send_signal(signal.SIGTERM)
            assert again.wait(20) == 0

    _check(house, ledger, 1)


def test_kills_at_random_moments_lose_and_double_nothing(house: House, tmp_path: Path) -> None:
    dice = random.Random(20260101)
    ledger = _prepare(house, tmp_path, 0.02)
    up = house.up(at_once=True)
    house.until(lambda: house.has_dag("work"))
    house.system.command(SetPaused(dag_id="work", paused=False))
    runs = 0
    for _ in range(200):
        if len(house.open_runs()) < 4:
            house.system.submit(TriggerRun(dag_id="work", run_id=f"r{runs}"))
            runs += 1
        time.sleep(dice.uniform(0.0, 0.15))  # the moment is what is tested
        victims = sorted(processes_of(up.pid))
        if victims:
            try:
                os.kill(dice.choice(victims), signal.SIGKILL)
            except ProcessLookupError:
                pass
        assert up.poll() is None

    house.until(lambda: house.system.runs.count("work") == runs and not house.open_runs(), 90)
    _check(house, ledger, runs)
