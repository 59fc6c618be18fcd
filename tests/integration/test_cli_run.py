"""``tradewind run`` as people and programs meet it: results, exit codes, a terminal, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from house import House

pytestmark = pytest.mark.integration

HEAD = "from datetime import datetime\nfrom tradewind import DAG, task\n\n"
GOOD = (
    HEAD
    + """
with DAG("good", schedule=None) as dag:

    @task
    def fetch():
        return 1

    @task
    def clean(value):
        print("cleaned", value)

    clean(fetch())
"""
)
BAD = (
    HEAD
    + """
with DAG("bad", schedule=None) as dag:

    @task
    def boom():
        raise ValueError("no such city")

    @task
    def after(value):
        pass

    after(boom())
"""
)
SLOW = (
    HEAD
    + """
import time

with DAG("slow", schedule=None) as dag:

    @task
    def sleep():
        print("asleep", flush=True)
        time.sleep(60)

    sleep()
"""
)
TWO = HEAD + 'with DAG("one") as one:\n    pass\n\nwith DAG("two") as two:\n    pass\n'


def test_a_run_that_succeeds_is_json_on_stdout_and_talk_on_stderr(house: House) -> None:
    ended = house.tradewind("run", str(house.write("good.py", GOOD)), "--output", "json", "--run-id", "mine")
    result = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert (result["dag_id"], result["run_id"], result["state"]) == ("good", "mine", "success")
    assert {name: task["state"] for name, task in result["tasks"].items()} == {
        "fetch": "success",
        "clean": "success",
    }
    assert "clean success" in ended.stderr
    again = house.tradewind("run", str(house.dags / "good.py"), "-o", "json", "--run-id", "mine")
    assert (again.returncode, "already" in json.loads(again.stdout)["error"]["message"]) == (1, True)


def test_a_run_that_fails_says_which_task_why_and_what_to_type_next(house: House) -> None:
    ended = house.tradewind("run", str(house.write("bad.py", BAD)))
    assert ended.returncode == 1
    assert "boom failed: ValueError: no such city" in ended.stdout
    log = next(line.split("log: ")[1] for line in ended.stdout.splitlines() if "log: " in line)
    assert "ValueError: no such city" in Path(log).read_text()
    words = ended.stdout.splitlines()[-1].removeprefix("Next: tradewind ").split()
    assert "It ended failed: ValueError: no such city" in house.tradewind(*words).stdout
    assert (
        json.loads(house.tradewind("run", str(house.dags / "bad.py"), "-o", "json").stdout)["state"]
        == "failed"
    )


@pytest.mark.parametrize(
    ("text", "words", "code", "told"),
    [
        ("this is no Python", (), 2, "SyntaxError"),
        ("import no_such_module", (), 2, "no_such_module"),
        ("x = 1", (), 2, "no DAG"),
        (TWO, (), 2, "--dag-id"),
        (TWO, ("--dag-id", "three"), 3, "three"),
    ],
)
def test_a_file_that_cannot_be_run_has_its_code(
    house: House, text: str, words: tuple[str, ...], code: int, told: str
) -> None:
    ended = house.tradewind("run", str(house.write("file.py", text)), *words, "-o", "json")
    assert ended.returncode == code
    assert told in json.loads(ended.stdout)["error"]["message"]


def test_a_dag_is_tested_in_the_calling_process(house: House) -> None:
    file = house.write("good.py", GOOD)
    ended = house.tradewind("dags", "test", str(file), "--logical-date", "2024-01-01", "-o", "json")
    assert json.loads(ended.stdout)["state"] == "success"
    by_id = house.tradewind("dags", "test", "good", "--logical-date", "2024-01-02", "-o", "json")
    assert json.loads(by_id.stdout)["logical_date"].startswith("2024-01-02")
    assert house.tradewind("dags", "test", "nope").returncode == 3


def test_ctrl_c_ends_the_run_in_order(house: House) -> None:
    file = house.write("slow.py", SLOW)
    process = subprocess.Popen(
        [sys.executable, "-m", "tradewind", "run", str(file), "--run-id", "r"],
        env=house.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = house.home / "logs" / "slow" / "r" / "sleep" / "1.log"
    try:
        give_up = time.monotonic() + 30
        while not (log.exists() and "asleep" in log.read_text()):
            assert time.monotonic() < give_up, "the task did not begin"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    run = json.loads(house.tradewind("runs", "show", "slow", "r", "-o", "json").stdout)
    assert run["state"] == "failed"
    assert run["task_instances"][0]["state"] == "failed"


def on_terminal(house: House, *words: str, **environ: str) -> tuple[int, str]:
    """Run with stderr on a terminal; the exit code and what was drawn."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tradewind", *words],
        env={**house.environ, "TERM": "xterm-256color", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                written.extend(piece)
        except OSError:
            return  # the other end is closed

    reader = threading.Thread(target=read)
    reader.start()
    code = process.wait(60)
    reader.join(10)
    os.close(ours)
    return code, written.decode(errors="replace")


def test_on_a_terminal_the_run_is_drawn_and_the_cursor_comes_back(house: House) -> None:
    house.environ.pop("NO_COLOR", None)
    code, drawn = on_terminal(house, "run", str(house.write("bad.py", BAD)))
    assert code == 1
    assert "boom" in drawn
    assert "upstream_failed" in drawn
    assert "2/2" in drawn
    assert "\x1b[31m" in drawn  # failed is red
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    _, plain = on_terminal(house, "run", str(house.dags / "bad.py"), NO_COLOR="1")
    assert "boom" in plain
    assert "\x1b[31m" not in plain
    _, lines = on_terminal(house, "run", str(house.dags / "bad.py"), TERM="dumb")
    assert "boom failed: ValueError" in lines
    assert "\x1b[?25l" not in lines


def test_the_code_of_one_task_is_tried_and_nothing_of_it_recorded(house: House) -> None:
    house.write("good.py", GOOD)
    house.write("bad.py", BAD)
    house.import_dags()
    tried = house.tradewind("tasks", "test", "good", "fetch")
    assert tried.returncode == 0
    assert tried.stdout.splitlines() == ["XCom return_value: 1", "Attempt ended: success"]
    failed = house.tradewind("tasks", "test", "bad", "boom")
    assert failed.returncode == 1
    assert "Attempt ended: failed: ValueError: no such city" in failed.stdout
    assert house.tradewind("tasks", "test", "good", "nope").returncode == 3
    assert house.tradewind("tasks", "test", "good", "fetch", "--run-id", "nope").returncode == 3
    assert house.system.runs.count("good") == 0
