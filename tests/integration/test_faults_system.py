"""Stops, pauses, locks, full disks and broken files under a running system: told clearly, and nothing else is hurt."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, alive, processes_of

from tradewind.app.up import listening
from tradewind.model.commands import SetPaused, TriggerRun
from tradewind.model.states import RunState

pytestmark = pytest.mark.integration

#: waits for a file to appear, and says when it began
WAITING = """
import os, time
from datetime import timedelta
from tradewind import DAG, task

FOLDER = {folder!r}

with DAG("waiting", max_active_runs=100):

    @task(retries={retries}, retry_delay=timedelta(0))
    def wait(run_id):
        with open(os.path.join(FOLDER, "began"), "a") as ledger:
            ledger.write(os.environ["TRADEWIND_CTX_ATTEMPT_ID"] + "\\n")
        print("waiting", flush=True)
        while not os.path.exists(os.path.join(FOLDER, "go")):
            time.sleep(0.01)
        print("went on", flush=True)
        return 1

    @task
    def after(value):
        assert value == 1

    after(wait())
"""
QUICK = """
from tradewind import DAG, task

with DAG("quick", max_active_runs=100):

    @task
    def first():
        return 1

    @task
    def second(value):
        assert value == 1

    second(first())
"""


def waiting(house: House, folder: Path, retries: int = 0) -> None:
    house.write("waiting.py", WAITING.format(folder=str(folder), retries=retries))


def began(folder: Path) -> list[str]:
    """Attempts of the waiting task that have begun."""
    ledger = folder / "began"
    return ledger.read_text().split() if ledger.exists() else []


def up_with(house: House, dag_id: str) -> subprocess.Popen[bytes]:
    """``tradewind up``, once it has the DAG, switched on."""
    up = house.up()
    house.until(lambda: house.has_dag(dag_id))
    house.system.command(SetPaused(dag_id=dag_id, paused=False))
    return up


def member(house: House, name: str) -> int:
    """The process of a member of the family that was started last."""
    return int(re.findall(rf"{name} is process (\d+)", house.up_log())[-1])


def state(house: House, dag_id: str, run_id: str) -> RunState:
    return house.system.runs.get(dag_id, run_id).state


def reasons(house: House, run_id: str) -> dict[str, str]:
    row = house.system.runs.get("waiting", run_id)
    return {it.task_id: it.reason for it in house.system.runs.task_instances(row.pk)}


def outcomes(house: House, run_id: str) -> list[str | None]:
    """How the attempts of the waiting task ended."""
    row = house.system.runs.get("waiting", run_id)
    (wait,) = [it for it in house.system.runs.task_instances(row.pk) if it.task_id == "wait"]
    return [it.outcome for it in house.system.attempts.of_task_instance(wait.pk)]


# -- ends and pauses of processes ----------------------------------------------------------------------------------------


def test_sigterm_ends_everything_in_order_and_the_run_goes_on_after_the_next_start(
    house: House, tmp_path: Path
) -> None:
    waiting(house, tmp_path, retries=1)
    up = up_with(house, "waiting")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path))
    family = processes_of(up.pid)
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0
    assert [pid for pid in family if alive(pid)] == []
    assert "Traceback" not in house.up_log()
    (tmp_path / "go").touch()
    house.up()
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert len(began(tmp_path)) == 2
    assert outcomes(house, "r")[-1] == "succeeded"


def test_a_task_that_ends_while_everything_is_being_stopped_counts(tmp_path: Path) -> None:
    house = House(tmp_path, TRADEWIND__TASKS__KILL_GRACE_SECONDS="20")
    try:
        waiting(house, tmp_path)
        up = up_with(house, "waiting")
        house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
        house.until(lambda: began(tmp_path))
        up.send_signal(signal.SIGTERM)
        house.until(lambda: "1 attempts are under way" in house.up_log())
        (tmp_path / "go").touch()
        assert up.wait(15) == 0
        assert outcomes(house, "r") == ["succeeded"]
        assert state(house, "waiting", "r") is RunState.RUNNING
        house.up()
        house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
        assert len(began(tmp_path)) == 1
    finally:
        house.close()


def test_a_paused_scheduler_delays_and_loses_nothing(house: House, tmp_path: Path) -> None:
    waiting(house, tmp_path)
    up_with(house, "waiting")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path))
    scheduler = member(house, "scheduler")
    os.kill(scheduler, signal.SIGSTOP)
    try:
        (tmp_path / "go").touch()
        log = house.home / "logs" / "waiting" / "r" / "wait" / "1.log"
        house.until(lambda: "Attempt ended: success" in log.read_text())
        assert state(house, "waiting", "r") is RunState.RUNNING
    finally:
        os.kill(scheduler, signal.SIGCONT)
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert len(began(tmp_path)) == 1


def test_the_agent_killed_in_a_task_loses_that_attempt_alone(house: House, tmp_path: Path) -> None:
    waiting(house, tmp_path, retries=1)
    up_with(house, "waiting")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path) and house.system.attempts.open_attempts()[0].started_at)
    agent = member(house, "agent")
    family = processes_of(agent)
    os.kill(agent, signal.SIGKILL)
    house.until(lambda: len(began(tmp_path)) == 2)
    house.until(lambda: [pid for pid in family if alive(pid)] == [])
    log = house.home / "logs" / "waiting" / "r" / "wait" / "1.log"
    house.until(lambda: log.read_text().endswith("Attempt ended: lost: its agent is gone\n"))
    (tmp_path / "go").touch()
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert outcomes(house, "r") == ["lost", "succeeded"]


def test_the_agent_killed_between_the_end_of_a_task_and_its_report_gives_one_accepted_result(
    house: House, tmp_path: Path
) -> None:
    waiting(house, tmp_path, retries=1)
    up_with(house, "waiting")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path) and house.system.attempts.open_attempts()[0].started_at)
    scheduler = member(house, "scheduler")
    os.kill(scheduler, signal.SIGSTOP)
    try:
        (tmp_path / "go").touch()
        log = house.home / "logs" / "waiting" / "r" / "wait" / "1.log"
        house.until(lambda: "Attempt ended: success" in log.read_text())
        os.kill(member(house, "agent"), signal.SIGKILL)
        house.until(lambda: "agent ended (signal 9)" in house.up_log())
    finally:
        os.kill(scheduler, signal.SIGCONT)
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert outcomes(house, "r").count("succeeded") == 1
    assert len(set(began(tmp_path))) == len(began(tmp_path)) <= 2


def test_an_importer_killed_in_the_middle_leaves_the_last_good_version_and_starts_again(
    house: House, tmp_path: Path
) -> None:
    house.write("quick.py", QUICK)
    up_with(house, "quick")
    before = house.system.dags.get("quick").version_id
    slow = f"open({str(tmp_path / 'importing')!r}, 'w').close()\nimport os, time\n"
    slow += f"while not os.path.exists({str(tmp_path / 'go')!r}):\n    time.sleep(0.01)\n"
    house.write("quick.py", slow + QUICK.replace('"quick"', '"quick", description="new"'))
    house.until((tmp_path / "importing").exists)
    os.kill(member(house, "importer"), signal.SIGKILL)
    house.until(lambda: "importer ended (signal 9)" in house.up_log())
    assert house.system.dags.get("quick").version_id == before
    house.system.submit(TriggerRun(dag_id="quick", run_id="r"))
    house.until(lambda: house.system.runs.count("quick") and state(house, "quick", "r") is RunState.SUCCESS)
    (tmp_path / "go").touch()
    house.until(lambda: house.system.dags.get("quick").version_id != before)


def test_the_agent_outlives_a_killed_up_and_the_next_one_takes_it_over(house: House, tmp_path: Path) -> None:
    waiting(house, tmp_path)
    up = up_with(house, "waiting")
    agent, scheduler = member(house, "agent"), member(house, "scheduler")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path))
    up.kill()
    up.wait()
    house.until(lambda: not alive(scheduler))
    assert listening(house.system.settings.home.run / "agent.sock") == agent
    again = house.up()
    house.until(lambda: "taking over the agent that is there already" in house.up_log())
    (tmp_path / "go").touch()
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert len(began(tmp_path)) == 1
    again.send_signal(signal.SIGTERM)
    assert again.wait(30) == 0
    assert not alive(agent)


def test_a_home_whose_path_is_longer_than_a_sockets_address_may_be_works(tmp_path: Path) -> None:
    folder = tmp_path / ("a folder with a long name, spaces and naïve letters " * 4) / "and more"
    folder.mkdir(parents=True)
    house = House(folder)
    try:
        house.write("quick.py", QUICK)
        up = up_with(house, "quick")
        assert house.tradewind("dags", "trigger", "quick", "--run-id", "r").returncode == 0
        house.until(lambda: state(house, "quick", "r") is RunState.SUCCESS)
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
        assert house.run(house.dags / "quick.py")["state"] == "success"
    finally:
        house.close()


# -- several at once -----------------------------------------------------------------------------------------------------


def test_a_second_up_says_who_is_there(house: House) -> None:
    house.write("quick.py", QUICK)
    up_with(house, "quick")
    second = house.tradewind("up")
    assert second.returncode == 1
    assert f"its scheduler is process {member(house, 'scheduler')}" in second.stderr
    house.system.submit(TriggerRun(dag_id="quick", run_id="r"))
    house.until(lambda: house.system.runs.count("quick") and state(house, "quick", "r") is RunState.SUCCESS)


def test_runs_at_once_in_one_home_all_succeed(house: House) -> None:
    files = [house.write(f"{name}.py", QUICK.replace('"quick"', f'"{name}"')) for name in ("a", "b", "c")]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tradewind", "run", str(file), "--output", "json"],
            env=house.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for file in (*files, files[0], files[0])
    ]
    ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * 5, ended
    assert [json.loads(out)["state"] for (out, _), _ in ended] == ["success"] * 5
    assert house.open_runs() == []


def test_run_beside_a_running_system_is_handed_over_and_followed(house: House) -> None:
    file = house.write("quick.py", QUICK)
    up_with(house, "quick")
    ended = house.tradewind("run", str(file), "--output", "json", "--run-id", "mine")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["state"] == "success"
    assert "second success" in ended.stderr
    row = house.system.runs.get("quick", "mine")
    (one, _) = house.system.runs.task_instances(row.pk)
    (attempt,) = house.system.attempts.of_task_instance(one.pk)
    assert attempt.executor == "local"


# -- the database --------------------------------------------------------------------------------------------------------


def test_a_database_locked_for_seconds_makes_everything_wait_and_nothing_fail(house: House) -> None:
    house.write("quick.py", QUICK)
    up_with(house, "quick")
    with sqlite3.connect(house.home / "tradewind.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = subprocess.Popen(
            [sys.executable, "-m", "tradewind", "dags", "trigger", "quick", "--run-id", "r"],
            env=house.environ,
            stderr=subprocess.PIPE,
        )
        time.sleep(3)  # how long it is locked is what is tested
        assert asked.poll() is None
        other.execute("ROLLBACK")
    _, told = asked.communicate(timeout=30)
    assert (asked.returncode, told) == (0, b"")
    house.until(lambda: state(house, "quick", "r") is RunState.SUCCESS)
    assert "ERROR" not in house.up_log()


def test_a_database_locked_for_too_long_is_told_and_the_scheduler_goes_on_after_it(tmp_path: Path) -> None:
    house = House(tmp_path, TRADEWIND__DATABASE__CONNECT_TIMEOUT="0.3")
    try:
        waiting(house, tmp_path)
        up_with(house, "waiting")
        house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
        house.until(lambda: began(tmp_path) and house.system.attempts.open_attempts()[0].started_at)
        scheduler = member(house, "scheduler")
        with sqlite3.connect(house.home / "tradewind.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            (tmp_path / "go").touch()
            house.until(lambda: "stayed locked by another process" in house.up_log())
            asked = house.tradewind("dags", "trigger", "waiting")
            other.execute("ROLLBACK")
        assert asked.returncode == 1
        assert "stayed locked by another process" in asked.stderr
        house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
        assert member(house, "scheduler") == scheduler
        assert len(began(tmp_path)) == 1
    finally:
        house.close()


@pytest.mark.parametrize("words", [("up",), ("run", "quick.py"), ("dags", "list")])
@pytest.mark.parametrize("damage", ["garbage", "truncated"])
def test_a_damaged_database_is_refused_by_name_and_left_as_it_is(
    house: House, damage: str, words: tuple[str, ...]
) -> None:
    house.write("quick.py", QUICK)
    house.import_dags()
    path = house.home / "tradewind.db"
    for beside in (path.with_name("tradewind.db-wal"), path.with_name("tradewind.db-shm")):
        beside.unlink(missing_ok=True)
    content = os.urandom(20_000) if damage == "garbage" else path.read_bytes()[:5000]
    path.write_bytes(content)
    arguments = [str(house.dags / word) if word.endswith(".py") else word for word in words]
    ended = house.tradewind(*arguments)
    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert "damaged" in ended.stderr
    assert "backup" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert path.read_bytes() == content


# -- disks ---------------------------------------------------------------------------------------------------------------


class SmallDisk:
    """A file system of a few MiB, and what fills it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with open(self._ballast, "ab", buffering=0) as ballast:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        ballast.write(b"\0" * size)
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.decode().strip()}")
    yield SmallDisk(path)
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_stops_the_scheduler_until_there_is_room_again(disk: SmallDisk, tmp_path: Path) -> None:
    house = House(disk.path)
    try:
        waiting(house, tmp_path)
        up_with(house, "waiting")
        house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
        house.until(lambda: began(tmp_path) and house.system.attempts.open_attempts()[0].started_at)
        disk.fill()
        (tmp_path / "go").touch()
        asked = house.until(lambda: _refused(house))
        assert "full" in asked.stderr
        assert "Free some space" in asked.stderr
        assert "Traceback" not in asked.stderr
        house.until(lambda: "Nothing of this turn is kept" in house.up_log())
        time.sleep(2)  # through a few more looks and tries of the scheduler
        disk.free()
        house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
        assert len(began(tmp_path)) == 1
        house.system.command(TriggerRun(dag_id="waiting", run_id="later"))
        house.until(lambda: state(house, "waiting", "later") is RunState.SUCCESS)
        assert "Traceback" not in house.up_log()
        with sqlite3.connect(house.home / "tradewind.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        house.close()


def _refused(house: House) -> subprocess.CompletedProcess[str] | None:
    ended = house.tradewind("dags", "trigger", "waiting", "--conf", json.dumps({"big": "x" * 100_000}))
    return ended if ended.returncode == 1 else None


def test_a_full_disk_of_logs_costs_the_log_and_not_the_task(disk: SmallDisk, tmp_path: Path) -> None:
    house = House(tmp_path, TRADEWIND__LOGS__FOLDER=str(disk.path / "logs"))
    try:
        waiting(house, tmp_path)
        disk.fill()
        (tmp_path / "go").touch()
        run = house.tradewind("run", str(house.dags / "waiting.py"), "--output", "json")
        assert run.returncode == 0, run.stdout
        assert "No space left on device" in run.stderr
        assert "is lost" in run.stderr
    finally:
        house.close()


def test_logs_removed_while_tasks_run_cost_these_logs_alone(house: House, tmp_path: Path) -> None:
    waiting(house, tmp_path)
    up_with(house, "waiting")
    house.system.submit(TriggerRun(dag_id="waiting", run_id="r"))
    house.until(lambda: began(tmp_path))
    shutil.rmtree(house.home / "logs")
    (tmp_path / "go").touch()
    house.until(lambda: state(house, "waiting", "r") is RunState.SUCCESS)
    assert "Attempt ended: success" in house.tradewind("tasks", "logs", "waiting", "r", "after").stdout


# -- for a long time -----------------------------------------------------------------------------------------------------


def test_hundreds_of_runs_leave_memory_and_descriptors_as_they_were(house: House) -> None:
    house.write("quick.py", QUICK)
    up_with(house, "quick")
    members = {name: member(house, name) for name in ("scheduler", "agent", "importer")}

    def runs(first: int, last: int) -> None:
        for number in range(first, last):
            house.system.submit(TriggerRun(dag_id="quick", run_id=f"r{number}"))
        house.until(lambda: house.system.runs.count("quick") == last and not house.open_runs(), 60)

    def sizes() -> dict[str, tuple[int, int]]:
        return {
            name: (
                int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]),
                len(os.listdir(f"/proc/{pid}/fd")),
            )
            for name, pid in members.items()
        }

    runs(0, 100)  # caches are filled, and pools
    before = sizes()
    runs(100, 400)
    after = sizes()
    for name in members:
        assert after[name][0] - before[name][0] < 4 * 1024, f"{name} grew: {before} {after}"
        assert abs(after[name][1] - before[name][1]) <= 2, f"{name}: {before} {after}"
    assert {row.state for row in house.system.runs.find("quick", limit=None)} == {RunState.SUCCESS}
    assert listening(house.system.settings.home.run / "agent.sock") == members["agent"]
