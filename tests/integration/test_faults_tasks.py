"""One DAG file with every way in which a task can go wrong: each ends for itself, with its reason, and hurts nobody else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from house import House, alive

pytestmark = pytest.mark.integration

DAG_FILE = """
import ctypes, os, signal, subprocess, sys, time
from datetime import timedelta

from tradewind import DAG, EmptyOperator, task
from tradewind.errors import FailTask, SkipTask

FOLDER = {folder!r}


class Unkeepable:
    pass


with DAG("faults", default_args={{"retry_delay": timedelta(0)}}):

    @task
    def healthy():
        return "fine"

    @task
    def after_healthy(value):
        assert value == "fine"

    @task
    def raises():
        raise ValueError("no such city")

    @task
    def after_raises(value):
        pass

    @task
    def raises_without_words():
        raise KeyError

    @task
    def raises_an_error_that_cannot_be_shown():
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError("I have no words")
        raise Mute()

    @task
    def raises_a_novel():
        raise ValueError("line\\n" * 100_000)

    @task
    def killed():
        print("before the kill", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    @task
    def segfaults():
        print("before the fault", flush=True)
        ctypes.string_at(0)

    @task
    def aborts():
        os.abort()

    @task
    def leaves_with_nothing_said():
        print("not flushed by anybody")
        os._exit(0)

    @task
    def leaves_with_code_3():
        os._exit(3)

    @task
    def exits_0():
        sys.exit(0)

    @task
    def exits_3():
        sys.exit(3)

    @task
    def raises_system_exit():
        raise SystemExit("enough")

    @task
    def interrupts():
        raise KeyboardInterrupt

    @task
    def raises_base_exception():
        raise BaseException("from the very base")

    @task
    def recurses():
        return (lambda f: f(f))(lambda f: f(f))

    @task(execution_timeout=timedelta(seconds=0.5))
    def hangs():
        time.sleep(60)

    @task(execution_timeout=timedelta(seconds=0.5))
    def will_not_end():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        with open(os.path.join(FOLDER, "will_not_end"), "w") as told:
            told.write(f"{{os.getpid()}} {{child.pid}}")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                time.sleep(1)
            except BaseException:
                pass

    @task
    def leaves_a_daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                with open(os.path.join(FOLDER, "daemon"), "w") as told:
                    told.write(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        while not os.path.exists(os.path.join(FOLDER, "daemon")):
            time.sleep(0.01)

    @task
    def prints_a_lot():
        line = "x" * 1023 + "\\n"
        for _ in range(30):
            sys.stdout.write(line * 1024)
        print("the very last line")

    @task
    def prints_one_endless_line():
        os.write(1, b"y" * 3_000_000)

    @task
    def prints_bytes_that_are_no_text():
        os.write(1, bytes(range(256)) + b"\\x1b[31mred\\r\\n")
        print("\\ud800 is half a character", file=sys.stderr)

    @task
    def closes_its_streams():
        os.close(0), os.close(1), os.close(2)

    @task
    def changes_everything_around():
        os.chdir("/")
        os.environ.clear()
        sys.path.clear()
        os.umask(0o777)

    @task
    def returns_a_lambda():
        return {{"f": [1, lambda: 0]}}

    @task
    def returns_an_open_file():
        return open(os.devnull)

    @task
    def returns_a_generator():
        return (n for n in range(3))

    @task
    def returns_itself():
        value = []
        value.append(value)
        return value

    @task
    def returns_an_own_class():
        return Unkeepable()

    @task
    def returns_not_a_number():
        return float("nan")

    @task
    def returns_too_much():
        return "z" * 2_500_000

    @task(retries=2)
    def fails_twice(ti):
        if ti.try_number < 3:
            os._exit(9)
        return ti.try_number

    @task(retries=1)
    def always_killed():
        os.kill(os.getpid(), signal.SIGKILL)

    @task(retries=5)
    def gives_up():
        raise FailTask("it is of no use")

    @task(retries=5)
    def skips():
        raise SkipTask("nothing to do")

    after_healthy(healthy())
    after_raises(raises())
    leaves_a_daemon() >> EmptyOperator(task_id="after_daemon")
    for one in (
        raises_without_words, raises_an_error_that_cannot_be_shown, raises_a_novel, killed, segfaults, aborts,
        leaves_with_nothing_said, leaves_with_code_3, exits_0, exits_3, raises_system_exit, interrupts,
        raises_base_exception, recurses, hangs, will_not_end, prints_a_lot, prints_one_endless_line,
        prints_bytes_that_are_no_text, closes_its_streams, changes_everything_around, returns_a_lambda,
        returns_an_open_file, returns_a_generator, returns_itself, returns_an_own_class, returns_not_a_number,
        returns_too_much, fails_twice, always_killed, gives_up, skips,
    ):
        one()
"""

#: the reason of each task that fails, as a pattern for the whole of it
REASONS = {
    "raises": "ValueError: no such city",
    "raises_without_words": "KeyError",
    "raises_an_error_that_cannot_be_shown": r"Mute: \(its message cannot be shown\)",
    "raises_a_novel": r"ValueError: (line )+.{0,9}",
    "killed": r"killed by signal 9 \(SIGKILL\).*",
    "segfaults": r"killed by signal 11 \(SIGSEGV\); a crash in native code",
    "aborts": r"killed by signal 6 \(SIGABRT\); native code gave up",
    "leaves_with_nothing_said": r"the process ended with exit code 0 before its task did \(os\._exit\?\)",
    "leaves_with_code_3": "the process ended with exit code 3 before its task did",
    "exits_0": r"SystemExit: sys\.exit\(0\) was called; a task ends by returning or by raising an exception",
    "exits_3": r"SystemExit: sys\.exit\(3\) was called; .*",
    "raises_system_exit": r"SystemExit: sys\.exit\('enough'\) was called; .*",
    "interrupts": r"KeyboardInterrupt: the task was interrupted .*",
    "raises_base_exception": "BaseException: from the very base",
    "recurses": "RecursionError: maximum recursion depth exceeded.*",
    "hangs": r"TaskTimeout: ran longer than its execution_timeout of 0\.5 s",
    "will_not_end": r"execution_timeout of 0\.5 s exceeded",
    "returns_a_lambda": r"SerializationError: .*\$\.f\[1\] is of type function.*",
    "returns_an_open_file": r"SerializationError: .*\$ is of type _io\.TextIOWrapper.*the path of the file.*",
    "returns_a_generator": r"SerializationError: .*\$ is of type generator.*return list.*",
    "returns_itself": r"SerializationError: .*contains itself.*",
    "returns_an_own_class": r"SerializationError: .*Unkeepable.*",
    "returns_not_a_number": r"SerializationError: .*\$ is nan.*",
    "returns_too_much": r"SerializationError: .*more than the limit of 2 MiB.*xcom\.limit_mb.*",
    "always_killed": r"killed by signal 9 \(SIGKILL\).*",
    "gives_up": "FailTask: it is of no use",
}
SUCCEED = {
    "healthy",
    "after_healthy",
    "leaves_a_daemon",
    "after_daemon",
    "prints_a_lot",
    "prints_one_endless_line",
    "prints_bytes_that_are_no_text",
    "closes_its_streams",
    "changes_everything_around",
    "fails_twice",
}
MIB = 1024 * 1024


class Faults:
    """What became of the one run of the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = House(folder, TRADEWIND__TASKS__MAX_LOG_MB="1", TRADEWIND__XCOM__LIMIT_MB="2")
        file = self.house.write("faults.py", DAG_FILE.format(folder=str(folder)))
        self.ended = self.house.tradewind("run", str(file), "--output", "json", "--run-id", "r", timeout=120)
        self.tasks: dict[str, dict[str, Any]] = json.loads(self.ended.stdout)["tasks"]

    def log(self, task_id: str, try_number: int = 1) -> bytes:
        """The log of an attempt."""
        return (self.house.home / "logs" / "faults" / "r" / task_id / f"{try_number}.log").read_bytes()


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    made = Faults(tmp_path_factory.mktemp("faults"))
    yield made
    made.house.close()


def test_the_run_fails_with_exit_code_1_and_each_task_has_its_own_end(faults: Faults) -> None:
    assert faults.ended.returncode == 1
    states = {task_id: task["state"] for task_id, task in faults.tasks.items()}
    assert states == {
        **dict.fromkeys(REASONS, "failed"),
        **dict.fromkeys(SUCCEED, "success"),
        "after_raises": "upstream_failed",
        "skips": "skipped",
    }
    assert "Traceback" not in faults.ended.stderr


@pytest.mark.parametrize("task_id", REASONS)
def test_the_reason_says_what_happened_and_stands_at_the_end_of_the_log(faults: Faults, task_id: str) -> None:
    task = faults.tasks[task_id]
    assert re.fullmatch(REASONS[task_id], task["reason"]), task["reason"]
    last = faults.log(task_id, task["try_number"]).decode().rstrip("\n").splitlines()[-1]
    assert last.endswith(f"Attempt ended: failed: {task['reason']}")


def test_what_a_task_printed_before_it_was_killed_is_in_its_log(faults: Faults) -> None:
    assert b"before the kill\n" in faults.log("killed")
    assert b"before the fault\n" in faults.log("segfaults")
    assert b"not flushed by anybody\n" in faults.log("leaves_with_nothing_said")


def test_retries_are_for_those_that_may_do_better(faults: Faults) -> None:
    tries = {task_id: task["try_number"] for task_id, task in faults.tasks.items()}
    assert (tries["fails_twice"], tries["always_killed"], tries["gives_up"], tries["skips"]) == (3, 2, 1, 1)
    assert faults.tasks["skips"]["reason"] == "nothing to do"


def test_no_process_is_left_of_a_task_that_will_not_end_or_leaves_a_daemon(faults: Faults) -> None:
    pids = (faults.folder / "will_not_end").read_text().split() + [(faults.folder / "daemon").read_text()]
    assert len(pids) == 3
    assert [pid for pid in pids if alive(pid)] == []


def test_a_log_that_grows_too_long_is_cut_and_says_so(faults: Faults) -> None:
    for task_id in ("prints_a_lot", "prints_one_endless_line"):
        log = faults.log(task_id)
        assert len(log) < 1.1 * MIB
        assert b"The log passed 1048576 bytes" in log
        assert log.rstrip(b"\n").endswith(b"Attempt ended: success")


def test_bytes_that_are_no_text_are_kept_and_can_be_shown(faults: Faults) -> None:
    assert bytes(range(256)) in faults.log("prints_bytes_that_are_no_text")
    shown = faults.house.tradewind("tasks", "logs", "faults", "r", "prints_bytes_that_are_no_text")
    assert shown.returncode == 0
    assert "is half a character" in shown.stdout


def test_why_tells_the_reason(faults: Faults) -> None:
    told = faults.house.tradewind("tasks", "why", "faults", "r", "segfaults")
    assert "killed by signal 11 (SIGSEGV); a crash in native code" in told.stdout
