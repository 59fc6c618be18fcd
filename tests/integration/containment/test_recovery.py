"""What becomes of attempts when a scheduler, an agent, a template or the base dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.agent.family import children_of
from tradewind.agent.protocol import Ask, Bundle, Prepare, Reply, Report
from tradewind.model.outcomes import Failed, Succeeded

pytestmark = pytest.mark.integration

Agent = Any  # what the fixtures of conftest.py make
Start = Callable[..., Agent]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_next_scheduler_gets_what_the_last_one_did_not_acknowledge(agent: Agent) -> None:
    first = agent.connect(agent.bundle())
    first.run("a")
    first.acknowledge()
    first.run("b")
    first.launch("c", "wait")
    first.pushed("c")
    first.close()
    second = agent.connect()
    assert second.welcome.held == ("b", "c")
    assert second.finished("b").outcome == Succeeded()
    assert second.report("c", "started").kind == "started"
    numbers = [message.n for message in second.seen if isinstance(message, Report)]
    assert numbers == sorted(set(numbers))


def test_a_question_waits_for_the_next_scheduler(agent: Agent) -> None:
    first = agent.connect(agent.bundle())
    first.launch("a", "ask", arguments={"key": "colour"})
    first.next(Ask)
    first.close()
    second = agent.connect()
    question = second.next(Ask)
    second.send(Reply(question.id, "blue", attempt_id="a"))
    assert second.finished("a").xcoms[0].value == b"blue"


def test_attempts_go_on_when_their_template_is_killed_and_it_is_made_anew(agent: Agent, home: Path) -> None:
    scheduler = agent.connect(agent.bundle())
    for name in "ab":
        scheduler.launch(name, "wait", arguments={"path": str(home / "go")})
    pids = [int(scheduler.pushed(name)) for name in "ab"]
    template = parent_of(pids[0])
    os.kill(template, signal.SIGKILL)
    agent.wait_until_gone(template)
    assert scheduler.run("c").outcome == Succeeded()
    assert {parent_of(pid) for pid in pids} == {agent.process.pid}
    os.kill(pids[1], signal.SIGKILL)
    assert scheduler.finished("b").outcome == Failed("killed by signal 9 (SIGKILL)")
    (home / "go").touch()
    assert scheduler.finished("a").outcome == Succeeded()


def test_what_an_attempt_leaves_behind_is_ended_although_its_template_was_killed(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "daemon", arguments={"session": True, "wait": True})
    worker = scheduler.report("a", "started").pid
    daemon = int(scheduler.pushed("a"))
    template = parent_of(worker)
    os.kill(template, signal.SIGKILL)
    agent.wait_until_gone(template)
    os.kill(worker, signal.SIGKILL)
    assert isinstance(scheduler.finished("a").outcome, Failed)
    agent.wait_until_gone(daemon)


def test_attempts_go_on_when_the_base_is_killed_and_it_is_made_anew(agent: Agent, home: Path) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "wait", arguments={"path": str(home / "go")})
    worker = int(scheduler.pushed("a"))
    base = parent_of(parent_of(worker))
    assert parent_of(base) == agent.process.pid
    os.kill(base, signal.SIGKILL)
    agent.wait_until_gone(base)
    scheduler.send(Bundle(agent.bundle("x = 2", version_id="v2")))
    scheduler.launch("b", version_id="v2")
    assert scheduler.finished("b").outcome == Succeeded()
    (home / "go").touch()
    assert scheduler.finished("a").outcome == Succeeded()


def test_a_waiting_process_that_dies_costs_no_attempt(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "wait")
    worker = int(scheduler.pushed("a"))
    template = parent_of(worker)
    limit = agent.Deadline()
    while len(children_of(template)) < 3:
        limit.check("processes wait")
    for pid in children_of(template):
        if pid != worker:
            os.kill(pid, signal.SIGKILL)
    for name in "bcd":
        assert scheduler.run(name).outcome == Succeeded()


def test_when_the_agent_is_killed_nothing_that_it_ran_survives(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "wait", arguments={"ignore": True})
    scheduler.launch("b", "daemon", arguments={"session": True, "wait": True})
    worker, daemon = int(scheduler.pushed("a")), int(scheduler.pushed("b"))
    template = parent_of(worker)
    agent.kill()
    agent.wait_until_gone(worker, daemon, template)


def test_when_agent_and_templates_are_killed_at_once_no_attempt_survives(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "stubborn")
    worker = int(scheduler.pushed("a"))
    template = parent_of(worker)
    base = parent_of(template)
    for pid in (template, base, agent.process.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (template, base, agent.process.pid):
        os.kill(pid, signal.SIGKILL)
    agent.process.wait()
    agent.wait_until_gone(worker)


def test_the_socket_is_for_its_owner_alone(agent: Agent) -> None:
    agent.connect()
    assert os.stat(agent.socket_path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(agent.socket_path)).st_mode & 0o777 == 0o700


def test_processes_wait_before_the_first_order(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.send(Prepare("v1", 2))
    limit = agent.Deadline()

    def waiting() -> int:
        bases = children_of(agent.process.pid)
        templates = [template for base in bases for template in children_of(base)]
        return sum(len(children_of(template)) for template in templates)

    while waiting() < 3:
        limit.check("as many processes wait as there are slots, and one more")
    scheduler.send(Prepare("v1", 0))
    while waiting():
        limit.check("nobody waits any more")
