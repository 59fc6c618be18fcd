"""The agent and its schedulers: connections that break, schedulers that come back, agents that end or are killed."""

from __future__ import annotations

import os
import signal
import time

import pytest
from agent_end import AgentProcess, SchedulerEnd, alive, order, until
from conftest import MakeAgent

from tradewind.agent.protocol import Ack, Hello, Launch, Reply
from tradewind.model.facts import AttemptLost
from tradewind.model.outcomes import Failed, Succeeded

pytestmark = pytest.mark.integration

SLEEPER = """
import os, subprocess, time
def go(channel, order):
    daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(daemon.pid, flush=True)
    time.sleep(1000)
def wait(channel, order):
    return channel.ask("ready", {}).encode()
def quick(channel, order): return b"quick"
"""


def test_the_welcome_says_who_the_agent_is(agent: AgentProcess) -> None:
    welcome = agent.scheduler().welcome
    assert welcome is not None
    assert (welcome.session, welcome.pid, welcome.capacity, welcome.held) == ("s1", agent.pid, 2, ())


def test_a_scheduler_that_comes_back_finds_everything(agent: AgentProcess) -> None:
    first = agent.scheduler(acknowledges=False)
    first.bundle(SLEEPER)
    first.launch("wait")
    question = first.question()
    done = first.launch("quick")
    before = first.finished(done)
    first.close()

    second = agent.scheduler(acknowledges=False)
    assert second.welcome is not None
    assert second.welcome.held == ("quick-1", "wait-1")
    assert second.finished(done) == before
    assert second.question() == question
    second.send(Launch(order("quick")), Launch(order("wait")))  # handed over again: both are known
    second.send(Reply(question.id, "go on", None, "wait-1"))
    assert second.finished("wait-1").xcoms[0].value == b"go on"
    assert len([it for it in second.reports if it.kind == "finished"]) == 2
    second.send(Ack(second.reports[-1].n))
    second.close()

    def held_by_third() -> bool:
        third = agent.scheduler()
        return third.welcome is not None and third.welcome.held == () and not third.reports

    until(held_by_third)


def test_what_ends_without_a_scheduler_is_reported_to_the_next(agent: AgentProcess) -> None:
    first = agent.scheduler()
    first.bundle("import time\ndef go(channel, order):\n    time.sleep(0.2)\n    return b'1'")
    attempt = first.launch("go")
    first.started(attempt)
    first.close()
    until(lambda: agent.last_line(attempt) == "Attempt ended: success")
    assert agent.scheduler().finished(attempt).xcoms[0].value == b"1"


def test_the_newest_scheduler_counts(agent: AgentProcess) -> None:
    first = agent.scheduler()
    second = agent.scheduler()
    until(lambda: first.read() or first.ended)
    second.bundle(SLEEPER)
    assert second.finished(second.launch("quick")).outcome == Succeeded()


def test_a_scheduler_of_another_version_is_turned_away(agent: AgentProcess) -> None:
    right = agent.scheduler()
    wrong = SchedulerEnd(agent.options.socket_path, hello=Hello("old", 99))
    assert wrong.welcome is not None
    until(lambda: wrong.read() or wrong.ended)
    wrong.close()
    right.bundle(SLEEPER)
    assert right.finished(right.launch("quick")).outcome == Succeeded()


def test_noise_on_the_socket_harms_nobody(agent: AgentProcess) -> None:
    from tradewind.agent.wire import connect

    right = agent.scheduler()
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\x00\x00\x00\x02\xc1\xc1"):
        sock = connect(agent.options.socket_path)
        sock.setblocking(True)
        sock.sendall(noise)
        sock.settimeout(5)
        assert sock.recv(100) == b""
        sock.close()
    right.bundle(SLEEPER)
    assert right.finished(right.launch("quick")).outcome == Succeeded()


@pytest.mark.parametrize("how", ["spawn", "fork"])
@pytest.mark.parametrize("isolation", ["auto", "spare"])
def test_nothing_outlives_a_killed_agent(make_agent: MakeAgent, how: str, isolation: str) -> None:
    agent = make_agent(how=how, isolation=isolation)
    scheduler = agent.scheduler()
    scheduler.bundle(SLEEPER)
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    daemon = until(lambda: next((int(it) for it in agent.log(attempt).splitlines() if it.isdigit()), None))
    below = agent.below()
    assert daemon in {process.pid for process in below}
    os.kill(agent.pid, signal.SIGKILL)
    if isolation == "spare":  # the daemon's only ancestor is gone with the agent: nobody is left to see to it
        os.kill(daemon, signal.SIGKILL)
    until(lambda: not any(alive(process.pid) for process in below), 2)


def test_an_import_under_way_dies_with_the_agent(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("import subprocess, time\nsubprocess.Popen(['sleep', '1000'])\ntime.sleep(1000)")
    scheduler.launch("go")
    until(lambda: len(agent.below()) == 3)
    below = agent.below()
    os.kill(agent.pid, signal.SIGKILL)
    until(lambda: not any(alive(process.pid) for process in below), 2)


def test_sigterm_ends_the_agent_in_order(make_agent: MakeAgent) -> None:
    agent = make_agent()
    scheduler = agent.scheduler()
    scheduler.bundle(SLEEPER)
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    until(lambda: agent.log(attempt).endswith("\n"))
    below = agent.below()
    os.kill(agent.pid, signal.SIGTERM)
    lost = scheduler.lost(attempt)
    assert lost.reason == "the agent was stopped"
    until(agent.ended, 10)
    assert not any(alive(process.pid) for process in below)
    assert agent.last_line(attempt) == "Attempt ended: lost: the agent was stopped"
    assert not os.path.exists(agent.options.socket_path)
    assert "WARNING" not in agent.own_log()
    assert agent.process.wait(5) == 0


def test_a_quick_attempt_still_ends_well_while_the_agent_is_being_stopped(make_agent: MakeAgent) -> None:
    agent = make_agent(kill_grace=2.0)
    scheduler = agent.scheduler()
    scheduler.bundle("import time\ndef go(channel, order):\n    time.sleep(0.3)")
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    os.kill(agent.pid, signal.SIGTERM)
    until(lambda: "being stopped" in agent.own_log())
    late = scheduler.launch("go", "late")
    assert scheduler.finished(attempt).outcome == Succeeded()
    assert scheduler.fact(late, AttemptLost).reason == "the agent is being stopped"
    until(agent.ended, 10)


def test_a_second_sigterm_ends_it_at_once(make_agent: MakeAgent) -> None:
    agent = make_agent(kill_grace=30.0)
    scheduler = agent.scheduler()
    scheduler.bundle(SLEEPER)
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    os.kill(agent.pid, signal.SIGTERM)
    time.sleep(0.1)
    os.kill(agent.pid, signal.SIGTERM)
    assert scheduler.lost(attempt).reason == "the agent was stopped"
    until(agent.ended, 10)


def test_an_agent_that_nobody_needs_ends_itself(make_agent: MakeAgent) -> None:
    agent = make_agent(linger=0.2)
    scheduler = agent.scheduler()
    scheduler.bundle("import time\ndef go(channel, order):\n    time.sleep(0.6)\n    print('done')")
    attempt = scheduler.launch("go")
    scheduler.started(attempt)
    scheduler.close()
    time.sleep(0.4)
    assert not agent.ended()
    until(agent.ended, 10)
    assert agent.last_line(attempt) == "Attempt ended: success"


def test_two_agents_do_not_share_a_socket(make_agent: MakeAgent) -> None:
    first = make_agent()
    first.scheduler()
    second = make_agent(socket_path=first.options.socket_path)
    assert second.process.wait(20) != 0
    assert first.scheduler().welcome is not None


def test_a_dead_agent_s_socket_is_taken_over(make_agent: MakeAgent) -> None:
    first = make_agent()
    first.scheduler()
    os.kill(first.pid, signal.SIGKILL)
    first.process.wait()
    second = make_agent(socket_path=first.options.socket_path, session="s2")
    welcome = second.scheduler().welcome
    assert welcome is not None
    assert welcome.session == "s2"


def test_failures_before_user_code_are_told_apart(agent: AgentProcess) -> None:
    scheduler = agent.scheduler()
    scheduler.bundle("1 / 0")
    finished = scheduler.finished(scheduler.launch("go"))
    assert isinstance(finished.outcome, Failed)
    assert finished.started_at is None
