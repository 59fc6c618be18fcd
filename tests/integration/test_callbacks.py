"""Callbacks with real processes: called although whatever can be killed is killed, and nobody waits for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from house import House

from tradewind.model.commands import SetPaused, TriggerRun
from tradewind.scheduler.scheduler import POINTS

pytestmark = pytest.mark.integration

DAG_FILE = """
import os, signal, time
from datetime import timedelta
from tradewind import DAG, task

LEDGER = {ledger!r}


def note(what):
    def callback(context):
        said = context.get("exception")
        with open(LEDGER, "a") as ledger:
            ledger.write(f"{{what}} {{context['ti'].task_id}} {{context['ti'].state}} {{said}}\\n")
    return callback


def once(kill):
    def callback(context):
        if not os.path.exists(LEDGER + ".killed"):
            open(LEDGER + ".killed", "w").close()
            kill()
    return callback


with DAG(
    "work",
    default_args={{
        "retry_delay": timedelta(0),
        "on_success_callback": note("success"),
        "on_failure_callback": note("failure"),
        "on_retry_callback": note("retry"),
    }},
    on_failure_callback=lambda c: note("run " + c["reason"])(c),
):

    @task(retries=1)
    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    @task(execution_timeout=timedelta(seconds=0.2))
    def too_long():
        time.sleep(60)

    @task
    def fine(ti):
        pass

    [killed(), too_long(), fine()]
"""

EXPECTED = {
    "success fine success None": 1,
    "retry killed up_for_retry killed by signal 9 (SIGKILL); try 2 of 2 in 0 s": 1,
    "failure killed failed killed by signal 9 (SIGKILL)": 1,
    "failure too_long failed ran longer than its execution_timeout of 0.2 s": 1,
}


def _prepare(house: House, tmp_path: Path) -> Path:
    ledger = tmp_path / "ledger"
    ledger.touch()
    house.write("work.py", DAG_FILE.format(ledger=str(ledger)))
    house.import_dags()
    house.system.command(SetPaused(dag_id="work", paused=False))
    house.system.command(TriggerRun(dag_id="work", run_id="r"))
    return ledger


def _all_called(house: House) -> bool:
    return not house.open_runs() and not house.system.attempts.open_attempts()


def _check(house: House, ledger: Path) -> None:
    """Each was called once at least, and has one accepted result."""
    called = Counter(ledger.read_text().splitlines())
    of_run = [line for line in called if line.startswith("run ")]
    assert [line.split()[:2] for line in of_run] == [["run", "task_failure"]]
    assert {line: 1 for line in called if line not in of_run} == EXPECTED
    accepted = Counter(
        (row.request.of_run, row.request.task_id, row.request.event, row.request.try_number)
        for row in house.system.callbacks.find("work")
        if row.attempt.outcome == "succeeded"
    )
    assert set(accepted.values()) == {1}
    assert len(accepted) == len(called)


@pytest.mark.parametrize("count", [1, 3, 6])
@pytest.mark.parametrize("point", POINTS)
def test_a_scheduler_killed_at_a_named_point_leaves_none_uncalled(
    house: House, tmp_path: Path, point: str, count: int
) -> None:
    ledger = _prepare(house, tmp_path)
    script = [sys.executable, str(Path(__file__).with_name("dying_scheduler.py")), str(house.home)]
    died = subprocess.run([*script, point, str(count)], env=house.environ, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    with subprocess.Popen([*script, point, "0"], env=house.environ) as again:
        try:
            house.until(lambda: _all_called(house))
        finally:
            again.send_signal(signal.SIGTERM)
            assert again.wait(20) == 0
    _check(house, ledger)


DYING = """
import os, signal, time
from tradewind import DAG, task

LEDGER = {ledger!r}

def callback(context):
    with open(LEDGER, "a") as ledger:
        ledger.write(f"{{os.getpid()}}\\n")
    if len(open(LEDGER).readlines()) == 1:
        {dies}

with DAG("work", on_success_callback=callback):
    @task
    def fine(): ...
    fine()
"""


@pytest.mark.parametrize(
    "dies",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os._exit(3)",
        "import socket; agent = int(open(LEDGER + '.agent').read()); os.kill(agent, signal.SIGKILL); time.sleep(60)",
    ],
)
def test_one_whose_process_or_agent_dies_is_called_again(house: House, tmp_path: Path, dies: str) -> None:
    from tradewind.app.up import listening

    ledger = tmp_path / "ledger"
    house.write("work.py", DYING.format(ledger=str(ledger), dies=dies))
    house.up()
    house.until(lambda: house.has_dag("work"))
    agent = house.until(lambda: listening(house.system.settings.home.run / "agent.sock"))
    Path(f"{ledger}.agent").write_text(str(agent))
    house.system.command(SetPaused(dag_id="work", paused=False))
    house.system.command(TriggerRun(dag_id="work", run_id="r"))
    house.until(lambda: house.system.runs.count("work") and _all_called(house))

    first, second = house.system.callbacks.find("work")
    assert first.attempt.outcome in ("failed", "lost")
    assert second.attempt.outcome == "succeeded"
    assert len(ledger.read_text().split()) == 2
    assert house.system.runs.get("work", "r").state == "success"


def test_a_run_is_over_when_its_callbacks_are_and_one_that_hangs_is_ended(tmp_path: Path) -> None:
    house = House(tmp_path, TRADEWIND__TASKS__CALLBACK_TIMEOUT_SECONDS="0.3")
    file = house.write(
        "hangs.py",
        "import time\n"
        "from tradewind import DAG, task\n"
        "def hang(context):\n    print('hanging', flush=True)\n    time.sleep(60)\n"
        "with DAG('hangs'):\n"
        "    @task(on_success_callback=hang)\n    def a(): ...\n"
        "    @task(on_success_callback=lambda c: print('called for', c['ti'].task_id))\n    def b(after): ...\n"
        "    b(a())\n",
    )
    try:
        assert house.run(file)["state"] == "success"
        rows = json.loads(house.tradewind("callbacks", "list", "hangs", "--output", "json").stdout)
        assert {row["task_id"]: row["state"] for row in rows} == {"a": "failed", "b": "success"}
        assert "the time limit of callbacks of 0.3 s" in next(row["reason"] for row in rows if row["reason"])
        said = house.tradewind("callbacks", "logs", "hangs", "latest", "a").stdout
        assert said.startswith("hanging\n")
        assert "Attempt ended: failed: TaskTimeout: ran longer than the time limit of callbacks" in said
        assert "called for b" in house.tradewind("callbacks", "logs", "hangs", "latest", "b").stdout
        why = house.tradewind("tasks", "why", "hangs", "latest", "a").stdout
        assert "Its on_success_callback of try 1 did not end well: TaskTimeout" in why
        assert "tradewind callbacks logs hangs" in why
    finally:
        house.close()


MEASURED = """
from datetime import timedelta
from tradewind import DAG, EmptyOperator, task
from tradewind.errors import SkipTask

def record(what):
    def callback(context):
        with open({ledger!r}, "a") as ledger:
            ledger.write(f"{{what}}:{{context['ti'].task_id}}\\n")
    return callback

names = ("execute", "success", "failure", "retry", "skipped")
with DAG("mp", default_args={{f"on_{{name}}_callback": record(name) for name in names}}):
    @task
    def a(): ...
    @task
    def b(): raise SkipTask("nothing to do")
    @task(retries=1, retry_delay=timedelta(0))
    def c(): raise ValueError("as it should")
    [a(), b(), c()]
"""


def test_each_task_calls_what_it_calls_on_airflow(house: House, tmp_path: Path) -> None:
    folder = Path(os.environ.get("TRADEWIND_CONFORMANCE", "no such folder"))
    if not (folder / "task_runtime.json").is_file():
        pytest.skip("task_runtime.json is not there: set TRADEWIND_CONFORMANCE to its folder")
    cases = json.loads((folder / "task_runtime.json").read_text())["cases"]
    (expect,) = [case["expect"] for case in cases if case["name"] == "tf_callbacks"]
    ledger = tmp_path / "ledger"

    found = house.run(house.write("mp.py", MEASURED.format(ledger=str(ledger))))

    assert found["state"] == expect["run"]
    assert {name: task["state"] for name, task in found["tasks"].items()} == expect["tasks"]
    assert found["tasks"]["c"]["try_number"] == expect["tries"]["c"]
    recorded = ledger.read_text().split()
    assert Counter(recorded) == Counter(expect["recorded"])
    for name in expect["tasks"]:
        of_task = [entry for entry in recorded if entry.endswith(f":{name}")]
        assert of_task[0] == f"execute:{name}"


def test_the_inline_executor_calls_them_too(house: House) -> None:
    file = house.write(
        "calm.py",
        "from tradewind import DAG, task\n"
        "with DAG('calm', on_success_callback=lambda c: print('all of', c['dag_run'].state)):\n"
        "    @task(on_success_callback=lambda c: print('called for', c['ti'].task_id))\n    def a(): ...\n    a()\n",
    )
    assert house.run(file, "--executor", "inline")["state"] == "success"
    assert "called for a" in house.tradewind("callbacks", "logs", "calm", "latest", "a").stdout
    assert "all of success" in house.tradewind("callbacks", "logs", "calm", "latest").stdout
