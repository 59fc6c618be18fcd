"""What becomes of attempts: whatever their process does, the right end is reported and stands in the log's last line."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from agent_end import AgentProcess, alive, until
from conftest import MakeAgent

from tradewind.agent.protocol import Cancel, Reply
from tradewind.model.facts import XComPushed
from tradewind.model.outcomes import Failed, Succeeded

pytestmark = pytest.mark.integration


def ended(agent: AgentProcess, code: str, seconds: float = 30.0, **order: object) -> Failed | Succeeded:
    """How the task ``go`` of a file ends."""
    scheduler = agent.scheduler()
    scheduler.bundle(code)
    attempt = scheduler.launch("go", **order)
    outcome = scheduler.finished(attempt, seconds).outcome
    assert isinstance(outcome, Failed | Succeeded)
    return outcome


@pytest.mark.parametrize("how", ["spawn", "fork"])
def test_an_attempt_succeeds_and_brings_its_result(make_agent: MakeAgent, how: str) -> None:
    agent = make_agent(how=how)
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order):\n    print('here')\n    return b'42'")
    attempt = scheduler.launch("go")
    finished = scheduler.finished(attempt)
    started = scheduler.started(attempt)
    assert finished.outcome == Succeeded()
    assert [(xcom.key, xcom.value) for xcom in finished.xcoms] == [("return_value", b"42")]
    assert finished.started_at == started.at <= finished.ended_at
    assert finished.pid == started.pid != agent.pid
    assert agent.log(attempt).startswith("here\n")
    assert agent.last_line(attempt) == "Attempt ended: success"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(0)", "the process ended with exit code 0 before its task did (os._exit?)"),
        ("import os; os._exit(3)", "the process ended with exit code 3 before its task did"),
        ("import ctypes; ctypes.string_at(0)", "killed by signal 11 (SIGSEGV); a crash in native code"),
        ("import os; os.abort()", "killed by signal 6 (SIGABRT); native code gave up"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL)"),
        ("import os; os.killpg(0, 9)", "killed by signal 9 (SIGKILL)"),
        ("import sys; sys.exit('enough')", "the process ended with exit code 70 before its task did"),
        ("raise ValueError('no such city')", "ValueError: no such city"),
    ],
)
def test_however_a_process_ends_the_reason_is_reported_and_in_the_log(
    agent: AgentProcess, code: str, reason: str
) -> None:
    assert ended(agent, f"def go(channel, order):\n    print('before')\n    {code}") == Failed(reason)
    until(lambda: agent.last_line("go-1") == f"Attempt ended: failed: {reason}")
    assert agent.log("go-1").startswith("before\n")


def test_what_a_task_leaves_running_is_gone_after_it(agent: AgentProcess) -> None:
    code = """
import os, subprocess, sys
def go(channel, order):
    same_group = subprocess.Popen(["sleep", "1000"])
    own_session = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    stubborn = subprocess.Popen([sys.executable, "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(1000)"],
        start_new_session=True, stdout=subprocess.PIPE)
    stubborn.stdout.readline()
    if os.fork() == 0:  # a daemon, by the book
        os.setsid()
        if os.fork() == 0:
            open("/proc/self/comm", "w").write("daemon")
            os.write(pipe[1], str(os.getpid()).encode())
            import time; time.sleep(1000)
        os._exit(0)
    return f"{same_group.pid} {own_session.pid} {stubborn.pid} {os.read(pipe[0], 20).decode()}".encode()
pipe = os.pipe()
"""
    scheduler = agent.scheduler()
    scheduler.bundle(code)
    finished = scheduler.finished(scheduler.launch("go"))
    assert finished.outcome == Succeeded()
    pids = [int(pid) for pid in finished.xcoms[0].value.split()]
    assert len(pids) == 4
    until(lambda: not any(alive(pid) for pid in pids), 5)


def test_a_crashed_task_s_daemon_is_gone_too(agent: AgentProcess) -> None:
    code = """
import os, subprocess
def go(channel, order):
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    raise_at = order.attempt_id
    print(process.pid, flush=True)
    os._exit(0)
"""
    assert isinstance(ended(agent, code), Failed)
    pid = int(agent.log("go-1").split()[0])
    until(lambda: not alive(pid), 5)


def test_a_task_that_ignores_sigterm_is_cancelled_all_the_same(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        "import signal, time\n"
        "def go(channel, order):\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    channel.ask('ready', {})\n"
        "    time.sleep(1000)"
    )
    attempt = scheduler.launch("go")
    question = scheduler.question()
    scheduler.send(Reply(question.id, None, None, attempt))
    time.sleep(0.05)
    begun = time.monotonic()
    scheduler.send(Cancel(attempt, "ada wants it so"))
    assert scheduler.finished(attempt).outcome == Failed("ada wants it so", retry="never")
    assert time.monotonic() - begun < 2
    until(lambda: agent.last_line(attempt) == "Attempt ended: cancelled: ada wants it so")


def test_a_cancelled_task_may_clean_up(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        "import time\ndef on_kill():\n    print('cleaning up')\n"
        "def go(channel, order):\n    print('busy')\n    time.sleep(1000)"
    )
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    until(lambda: "busy" in agent.log(attempt))
    scheduler.send(Cancel(attempt, "enough"))
    assert scheduler.finished(attempt).outcome == Failed("enough", retry="never")
    until(lambda: agent.last_line(attempt) == "Attempt ended: cancelled: enough")
    assert "cleaning up" in agent.log(attempt)


def test_an_attempt_that_waits_for_a_process_can_be_cancelled(make_agent: MakeAgent) -> None:
    scheduler = make_agent().scheduler()
    scheduler.bundle("import time\ntime.sleep(1000)\ndef go(channel, order): pass")
    attempt = scheduler.launch("go")
    scheduler.send(Cancel(attempt, "enough"))
    assert scheduler.finished(attempt, 5).outcome == Failed("enough", retry="never")


def test_an_unknown_attempt_s_cancellation_is_passed_over(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.send(Cancel("nobody", "enough"))
    scheduler.bundle("def go(channel, order): pass")
    assert scheduler.finished(scheduler.launch("go")).outcome == Succeeded()


def test_the_agent_ends_a_task_that_outlives_its_timeout(agent: AgentProcess) -> None:
    outcome = ended(agent, "import time\ndef go(channel, order):\n    time.sleep(1000)", timeout=0.3)
    assert isinstance(outcome, Failed)
    assert outcome.reason == "execution_timeout of 0.3 s exceeded"
    assert outcome.exceptions[0] == "tradewind.errors.TaskTimeout"  # for rules by the kind of exception
    until(lambda: agent.last_line("go-1") == "Attempt ended: failed: execution_timeout of 0.3 s exceeded")


def test_a_log_stays_within_bounds_and_keeps_both_ends(make_agent: MakeAgent) -> None:
    agent = make_agent(max_log_bytes=1_000_000)
    code = """
def go(channel, order):
    print("the first line")
    for _ in range(50):
        print("x" * 999_999)
    print("the last line")
"""
    assert ended(agent, code) == Succeeded()
    until(lambda: agent.last_line("go-1") == "Attempt ended: success")
    log = agent.log("go-1")
    assert len(log) < 1_100_000
    assert log.startswith("the first line\n")
    assert "The log passed 1000000 bytes" in log


def test_a_quick_endless_printer_is_cut_back_while_it_runs(make_agent: MakeAgent) -> None:
    agent = make_agent(max_log_bytes=1_000_000)
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order):\n    while True:\n        print('x' * 10_000)")
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    path = agent.logs / "d" / "r" / f"{attempt}.log"

    def was_cut_back() -> bool:
        with path.open("rb") as log:  # all of it would be too much: it grows faster than it is read
            return b"The log passed" in log.read(1_000_000)

    until(was_cut_back)
    scheduler.send(Cancel(attempt, "enough"))
    scheduler.finished(attempt)
    until(lambda: agent.last_line(attempt) == "Attempt ended: cancelled: enough")
    assert path.stat().st_size < 1_100_000


def test_a_task_goes_on_where_its_log_cannot_be_written(make_agent: MakeAgent) -> None:
    agent = make_agent()
    (agent.logs / "d").mkdir(parents=True)
    (agent.logs / "d" / "r").write_text("a file, not a folder")
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order):\n    print('hello')\n    return b'1'\ndef bad(c, o): 1 / 0")
    finished = scheduler.finished(scheduler.launch("go"))
    assert finished.outcome == Succeeded()
    assert finished.xcoms[0].value == b"1"
    outcome = scheduler.finished(scheduler.launch("bad")).outcome
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("ZeroDivisionError: division by zero (its log is lost: ")
    until(lambda: "The log of attempt go-1 (d/r/go-1.log) is lost: " in agent.own_log())


def test_a_task_goes_on_where_its_log_takes_no_more(agent: AgentProcess) -> None:
    code = """
import resource, signal
def go(channel, order):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    for _ in range(100):
        print("y" * 1000)
    return b"done"
"""
    assert ended(agent, code) == Succeeded()
    until(lambda: agent.last_line("go-1") == "Attempt ended: success")


def test_a_path_that_leaves_the_log_folder_is_not_written_to(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order): return b'1'")
    from dataclasses import replace

    from agent_end import order

    from tradewind.agent.protocol import Launch

    scheduler.send(Launch(replace(order("go"), log_path="../outside.log")))
    assert scheduler.finished("go-1").outcome == Succeeded()
    assert not (agent.folder / "outside.log").exists()


def test_xcoms_are_pushed_while_the_task_runs_and_questions_are_answered(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        """
from tradewind.model.facts import XCom
def go(channel, order):
    channel.push(XCom(key="half", value=b"1"))
    city = channel.ask("variable.get", {"key": "city"})
    try:
        channel.ask("connection.get", {"conn_id": "c"})
    except Exception as error:
        return f"{city} {type(error).__name__} {error}".encode()
"""
    )
    attempt = scheduler.launch("go")
    question = scheduler.question()
    assert (question.attempt_id, question.operation, question.arguments) == (
        attempt,
        "variable.get",
        {"key": "city"},
    )
    assert scheduler.fact(attempt, XComPushed).xcom.value == b"1"
    scheduler.send(Reply(question.id, "Seattle", None, attempt))
    question = scheduler.question()
    scheduler.send(Reply(question.id, None, "there is no such connection", attempt))
    value = scheduler.finished(attempt).xcoms[0].value
    assert value == b"Seattle TradewindError there is no such connection"


def test_an_at_most_once_task_waits_until_its_start_is_committed(agent: AgentProcess) -> None:
    scheduler = agent.scheduler(acknowledges=False)
    scheduler.bundle("def go(channel, order):\n    print('begun')")
    attempt = scheduler.launch("go", at_most_once=True)
    scheduler.started(attempt)
    time.sleep(0.1)
    assert "begun" not in agent.log(attempt)
    from tradewind.agent.protocol import Ack

    scheduler.send(Ack(scheduler.reports[-1].n))
    assert scheduler.finished(attempt).outcome == Succeeded()
    assert "begun" in agent.log(attempt)


def test_more_attempts_than_there_is_capacity_for_are_run_all_the_same(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order): return order.attempt_id.encode()")
    attempts = [scheduler.launch("go", f"a{number}") for number in range(25)]
    assert [scheduler.finished(it).xcoms[0].value.decode() for it in attempts] == attempts


def test_the_same_order_twice_is_run_once(
    agent: AgentProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = agent.folder / "ledger"
    scheduler = agent.scheduler(acknowledges=False)
    scheduler.bundle(
        f"import time\ndef go(channel, order):\n    open({str(ledger)!r}, 'a').write('x')\n    time.sleep(0.1)"
    )
    scheduler.launch("go")
    scheduler.launch("go")
    scheduler.finished("go-1")
    scheduler.launch("go")  # reported, and not acknowledged
    scheduler.finished(scheduler.launch("go", "go-2"))
    assert ledger.read_text() == "xx"
    assert sum(report.kind == "finished" and report.attempt_id == "go-1" for report in scheduler.reports) == 1


def test_attempts_differ_in_their_random_numbers_and_share_no_session(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle(
        "import os, random\nrandom.random()\n"
        "def go(channel, order): return f'{random.random()} {os.getsid(0)} {os.getpid()}'.encode()"
    )
    told = [
        scheduler.finished(scheduler.launch("go", f"a{number}")).xcoms[0].value.split() for number in range(3)
    ]
    assert len({number for number, _, _ in told}) == 3
    assert all(session == pid for _, session, pid in told)


def test_exit_functions_of_the_task_run_and_the_last_line_stays_the_last(agent: AgentProcess) -> None:
    code = """
import atexit
atexit.register(print, "the template's")
def go(channel, order):
    atexit.register(print, "the task's")
"""
    assert ended(agent, code) == Succeeded()
    until(lambda: agent.log("go-1").count("Attempt ended") == 2)
    assert agent.last_line("go-1") == "Attempt ended: success"
    assert "the task's" in agent.log("go-1")
    assert "the template's" not in agent.log("go-1")


def test_a_process_that_does_not_leave_after_its_task_is_ended(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("import atexit, time\ndef go(channel, order):\n    atexit.register(time.sleep, 1000)")
    attempt = scheduler.launch("go")
    pid = scheduler.started(attempt).pid
    assert scheduler.finished(attempt).outcome == Succeeded()
    until(lambda: not alive(pid), 5)
    assert agent.last_line(attempt) == "Attempt ended: success"


def test_a_process_that_closes_everything_is_found_out(agent: AgentProcess) -> None:
    outcome = ended(
        agent, "import os, time\ndef go(channel, order):\n    os.closerange(3, 100)\n    time.sleep(1000)", 10
    )
    assert isinstance(outcome, Failed)


def test_the_environment_names_the_attempt_and_no_database(
    monkeypatch: pytest.MonkeyPatch, make_agent: MakeAgent
) -> None:
    monkeypatch.setenv("TRADEWIND__DATABASE__URL", "postgresql://secret")
    scheduler = make_agent().scheduler()
    scheduler.bundle(
        "import os\ndef go(channel, order):\n"
        "    return ' '.join(f'{k}={v}' for k, v in os.environ.items() if k.startswith('TRADEWIND')).encode()"
    )
    told = scheduler.finished(scheduler.launch("go")).xcoms[0].value.decode()
    assert "TRADEWIND_CTX_TASK_ID=go" in told
    assert "TRADEWIND_CTX_ATTEMPT_ID=go-1" in told
    assert "secret" not in told


def test_nothing_waits_longer_than_it_is_of_use(agent: AgentProcess) -> None:
    from tradewind.agent.protocol import Prepare

    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order): pass")
    scheduler.finished(scheduler.launch("go"))
    until(lambda: len(agent.below()) >= 4)  # base, template, and those that wait
    scheduler.send(Prepare("v1", 0))
    until(lambda: len(agent.below()) == 2)
    scheduler.send(Prepare("v1", 2))
    until(lambda: len(agent.below()) >= 4)


def test_a_new_version_takes_the_place_of_the_old_one(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("def go(channel, order): return b'old'")
    assert scheduler.finished(scheduler.launch("go", "a")).xcoms[0].value == b"old"
    scheduler.bundle("def go(channel, order): return b'new'", "v2")
    assert scheduler.finished(scheduler.launch("go", "b", version_id="v2")).xcoms[0].value == b"new"
    until(lambda: len(agent.below()) >= 4)
    assert scheduler.finished(scheduler.launch("go", "c")).xcoms[0].value == b"old"


def test_killed_attempts_leave_no_zombies(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("import os\ndef go(channel, order): os.kill(os.getpid(), 9)")
    for number in range(5):
        scheduler.finished(scheduler.launch("go", f"a{number}"))
    until(lambda: all(it.status() != psutil.STATUS_ZOMBIE for it in agent.below()), 5)


def test_an_attempt_killed_from_outside_is_reported(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("import time\ndef go(channel, order): time.sleep(1000)")
    attempt = scheduler.launch("go")
    os.kill(scheduler.started(attempt).pid, signal.SIGKILL)
    assert scheduler.finished(attempt, 5).outcome == Failed("killed by signal 9 (SIGKILL)")
