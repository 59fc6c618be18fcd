"""Where attempts come from: imports that fail, crash, hang or cannot be forked; templates that die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from agent_end import AgentProcess, alive, until
from conftest import MakeAgent

from tradewind.agent.protocol import Prepare, Reply
from tradewind.model.outcomes import Failed, Succeeded

pytestmark = pytest.mark.integration


def failure(agent: AgentProcess, code: str) -> str:
    """Why an attempt of the file fails."""
    scheduler = agent.scheduler()
    scheduler.bundle(code + "\ndef go(channel, order): pass")
    outcome = scheduler.finished(scheduler.launch("go")).outcome
    assert isinstance(outcome, Failed)
    return outcome.reason


@pytest.mark.parametrize("isolation", ["auto", "fork", "spare"])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no such city')", "ValueError: no such city"),
        ("import sys; sys.exit('enough')", "SystemExit: enough"),
        ("import ctypes; ctypes.string_at(0)", "killed by signal 11 (SIGSEGV)"),
        ("import os; os._exit(0)", "the process ended with exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL)"),
    ],
)
def test_an_import_that_fails_fails_the_attempt_and_says_why(
    make_agent: MakeAgent, isolation: str, code: str, reason: str
) -> None:
    agent = make_agent(isolation=isolation)
    assert reason in failure(agent, "print('importing', flush=True)\n" + code)
    until(lambda: reason in agent.last_line("go-1"))
    assert agent.log("go-1").startswith("importing\n")


@pytest.mark.parametrize("isolation", ["auto", "spare"])
def test_an_import_that_hangs_is_ended_with_all_that_it_started(
    make_agent: MakeAgent, isolation: str
) -> None:
    agent = make_agent(isolation=isolation, import_timeout=1.0, capacity=1)
    code = (
        "import subprocess, time\nprint(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid, flush=True)\n"
        "time.sleep(1000)"
    )
    assert failure(agent, code) == "the import of its DAG file took longer than 1 s"
    pid = int(agent.log("go-1").split()[0])
    until(lambda: not alive(pid), 5)


def test_a_file_that_is_mended_is_imported_anew(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("1 / 0")
    assert isinstance(scheduler.finished(scheduler.launch("go", "a")).outcome, Failed)
    scheduler.bundle("def go(channel, order): pass", "v2")
    assert scheduler.finished(scheduler.launch("go", "b", version_id="v2")).outcome == Succeeded()


def test_a_runner_that_cannot_be_made_is_named(make_agent: MakeAgent) -> None:
    agent = make_agent(runner_options={"broken": True})
    assert "the runner 'tiny_runner:make' cannot be imported: RuntimeError: this runner is broken" in failure(
        agent, ""
    )


def test_files_beside_the_dag_file_are_found(agent: AgentProcess, tmp_path: Path) -> None:
    original = tmp_path / "dags"
    original.mkdir()
    (original / "data.csv").write_text("not bundled")
    scheduler = agent.scheduler()
    code = """
import os
here = os.path.dirname(__file__)
def go(channel, order):
    return "; ".join(open(os.path.join(here, name)).read() for name in ("query.sql", "data.csv")).encode()
"""
    scheduler.bundle(code, folder=str(original), **{"query.sql": b"select 1"})
    assert scheduler.finished(scheduler.launch("go")).xcoms[0].value == b"select 1; not bundled"


def test_an_order_whose_files_never_came_is_lost(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    assert "did not come" in scheduler.lost(scheduler.launch("go", version_id="unknown")).reason


def test_files_that_cannot_be_unpacked_fail_their_attempts(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("", **{"../../outside.py": b""})
    outcome = scheduler.finished(scheduler.launch("go")).outcome
    assert isinstance(outcome, Failed)
    assert "leaves its folder" in outcome.reason


STARTS_A_THREAD = """
import threading
threading.Thread(target=threading.Event().wait, name="ticker", daemon=True).start()
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (STARTS_A_THREAD, "the import started threads (ticker)"),
        ("import socket; kept = socket.socket()", "the import opened a socket and left it open"),
    ],
)
def test_what_cannot_be_forked_gets_interpreters_of_its_own_and_is_told_why(
    agent: AgentProcess, code: str, reason: str
) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(code + "\nimport os\ndef go(channel, order): return str(os.getppid()).encode()")
    for name in ("a", "b"):
        finished = scheduler.finished(scheduler.launch("go", name))
        assert finished.outcome == Succeeded()
        assert int(finished.xcoms[0].value) == agent.pid
        assert f"Runs in an interpreter of its own, not in a fork: {reason}" in agent.log(name)
        until(lambda name=name: agent.last_line(name) == "Attempt ended: success")


def test_isolation_fork_forks_whatever_was_imported(make_agent: MakeAgent) -> None:
    agent = make_agent(isolation="fork")
    scheduler = agent.scheduler()
    scheduler.bundle(
        STARTS_A_THREAD + "\nimport os\ndef go(channel, order): return str(os.getppid()).encode()"
    )
    finished = scheduler.finished(scheduler.launch("go"))
    assert int(finished.xcoms[0].value) != agent.pid
    assert "of its own" not in agent.log("go-1")


def test_isolation_spare_forks_nothing(make_agent: MakeAgent) -> None:
    agent = make_agent(isolation="spare")
    scheduler = agent.scheduler()
    scheduler.bundle("import os\ndef go(channel, order): return str(os.getppid()).encode()")
    finished = scheduler.finished(scheduler.launch("go"))
    assert int(finished.xcoms[0].value) == agent.pid
    assert "isolation is set to 'spare'" in agent.log("go-1")
    for number in range(3):
        scheduler.finished(scheduler.launch("go", f"a{number}"))


def test_a_variable_at_the_top_of_a_file_is_answered_by_the_scheduler(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        "city = CHANNEL.ask('variable.get', {'key': 'city'})\ndef go(channel, order): return city.encode()"
    )
    attempt = scheduler.launch("go")
    question = scheduler.question()
    assert (question.attempt_id, question.operation, question.arguments) == (
        "",
        "variable.get",
        {"key": "city"},
    )
    scheduler.bundle("def go(channel, order): return b'not held up'", "other")
    other = scheduler.launch("go", "other", version_id="other")
    assert scheduler.finished(other).xcoms[0].value == b"not held up"
    scheduler.send(Reply(question.id, "Seattle"))
    assert scheduler.finished(attempt).xcoms[0].value == b"Seattle"


def test_a_spare_s_file_may_ask_too(make_agent: MakeAgent) -> None:
    scheduler = make_agent(isolation="spare", capacity=1).scheduler()
    scheduler.bundle(
        "city = CHANNEL.ask('variable.get', {'key': 'city'})\ndef go(channel, order): return city.encode()"
    )
    attempt = scheduler.launch("go")
    for _ in range(2):  # the one that is wanted, and one ahead
        question = scheduler.question()
        scheduler.send(Reply(question.id, "Seattle"))
    assert scheduler.finished(attempt).xcoms[0].value == b"Seattle"


def test_a_question_at_import_that_has_no_answer_fails_the_import(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("CHANNEL.ask('variable.get', {'key': 'city'})")
    attempt = scheduler.launch("go")
    scheduler.send(Reply(scheduler.question().id, None, "the store is gone"))
    outcome = scheduler.finished(attempt).outcome
    assert isinstance(outcome, Failed)
    assert outcome.reason == "TradewindError: the store is gone"


def test_a_question_at_import_does_not_wait_for_ever(make_agent: MakeAgent) -> None:
    agent = make_agent(ask_timeout=0.3)
    scheduler = agent.scheduler()
    scheduler.bundle("CHANNEL.ask('variable.get', {'key': 'city'})")
    attempt = scheduler.launch("go")
    question = scheduler.question()
    outcome = scheduler.finished(attempt, 10).outcome
    assert isinstance(outcome, Failed)
    assert "no answer to 'variable.get' within 0.3 s" in outcome.reason
    scheduler.send(Reply(question.id, "too late"))
    scheduler.bundle("def go(channel, order): pass", "v2")
    assert scheduler.finished(scheduler.launch("go", "b", version_id="v2")).outcome == Succeeded()


def test_a_question_at_import_reaches_the_scheduler_that_comes_back(agent: AgentProcess) -> None:
    first = agent.scheduler()
    first.bundle(
        "city = CHANNEL.ask('variable.get', {'key': 'city'})\ndef go(channel, order): return city.encode()"
    )
    attempt = first.launch("go")
    first.question()
    first.close()
    second = agent.scheduler()
    second.send(Reply(second.question().id, "Seattle"))
    assert second.finished(attempt).xcoms[0].value == b"Seattle"


def test_attempts_outlive_their_template(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        "import os, subprocess, time\n"
        "def go(channel, order):\n"
        "    daemon = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    channel.ask('ready', {})\n"
        "    return str(daemon.pid).encode()\n"
        "def crash(channel, order):\n    channel.ask('ready', {})\n    os._exit(3)\n"
        "def quick(channel, order): pass"
    )
    first, second = scheduler.launch("go"), scheduler.launch("crash")
    questions = [scheduler.question(), scheduler.question()]
    template = psutil.Process(scheduler.started(first).pid).ppid()
    assert template != agent.pid
    os.kill(template, signal.SIGKILL)
    until(lambda: not alive(template))
    time.sleep(0.05)
    for question in questions:
        scheduler.send(Reply(question.id, None, None, question.attempt_id))
    done = scheduler.finished(first, 5)
    assert done.outcome == Succeeded()
    until(lambda: not alive(int(done.xcoms[0].value)), 5)
    assert scheduler.finished(second, 5).outcome == Failed(
        "the process ended with exit code 3 before its task did"
    )
    for number in range(5):  # more than waited when it died
        assert scheduler.finished(scheduler.launch("quick", f"a{number}")).outcome == Succeeded()


def test_a_killed_base_is_made_anew(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order): return b'1'")
    scheduler.finished(scheduler.launch("go", "a"))
    (base,) = psutil.Process(agent.pid).children()
    base.kill()
    until(lambda: not alive(base.pid))
    scheduler.finished(scheduler.launch("go", "b"))
    scheduler.bundle("def go(channel, order): return b'2'", "v2")
    assert scheduler.finished(scheduler.launch("go", "c", version_id="v2")).xcoms[0].value == b"2"


def test_attempts_that_kill_their_template_harm_nobody_else(agent: AgentProcess) -> None:
    code = """
import contextlib, os
TEMPLATE = os.getpid()
def go(channel, order):
    with contextlib.suppress(ProcessLookupError):
        os.kill(TEMPLATE, 9)
    os.kill(os.getpid(), 9)
"""
    scheduler = agent.scheduler()
    scheduler.bundle(code)
    for number in range(4):
        outcome = scheduler.finished(scheduler.launch("go", f"a{number}")).outcome
        assert outcome == Failed("killed by signal 9 (SIGKILL)")


def test_what_an_import_left_running_goes_with_its_template(make_agent: MakeAgent) -> None:
    agent = make_agent(template_idle=0.2, isolation="fork")
    scheduler = agent.scheduler()
    scheduler.bundle(
        "import subprocess\nhelper = subprocess.Popen(['sleep', '1000'], start_new_session=True).pid\n"
        "def go(channel, order): return str(helper).encode()"
    )
    helper = int(scheduler.finished(scheduler.launch("go")).xcoms[0].value)
    scheduler.send(Prepare("v1", 0))
    until(lambda: not alive(helper), 10)
    until(lambda: len(agent.below()) == 1, 5)
    assert scheduler.finished(scheduler.launch("go", "again")).outcome == Succeeded()
