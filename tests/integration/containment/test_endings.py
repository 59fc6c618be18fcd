"""What attempts share, what they leave behind, and what they can do to hold on."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.model.outcomes import Failed, Succeeded

pytestmark = pytest.mark.integration

Agent = Any  # what the fixtures of conftest.py make
Start = Callable[..., Agent]


def last_line(text: str) -> str:
    return text.rstrip("\n").rpartition("\n")[2]


def test_each_attempt_has_a_process_and_a_session_of_its_own_and_nothing_that_is_not_its(
    agent: Agent,
) -> None:
    scheduler = agent.connect(agent.bundle("import random\nrandom.seed(1)\n"))
    seen = [eval(scheduler.run(name, "describe").xcoms[0].value) for name in ("a", "b", "c")]
    pids, parents, sessions, descriptors, environments, numbers, threads = zip(*seen, strict=True)
    assert len(set(pids)) == 3
    assert pids == sessions
    assert len(set(parents)) == 1
    assert len(set(numbers)) == 3
    assert set(threads) == {1}
    for open_descriptors in descriptors:
        # Standard streams, its line, both ends of how it hears of its agent's death, and the listing itself.
        assert len(open_descriptors) <= 7
    assert environments[1]["TRADEWIND_CTX_ATTEMPT_ID"] == "b"
    assert environments[1]["TRADEWIND_CTX_TASK_ID"] == "task"
    assert not any("DATABASE" in key for environment in environments for key in environment)


def test_numpy_draws_other_numbers_in_each_attempt(agent: Agent) -> None:
    pytest.importorskip("numpy")
    scheduler = agent.connect(agent.bundle("import numpy\nnumpy.random.seed(1)\n"))
    drawn = [scheduler.run(name, "numpy_random").xcoms[0].value for name in ("a", "b")]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(("do", "arguments"), [("wait", {"ignore": True}), ("stubborn", {})])
def test_a_task_that_is_deaf_to_sigterm_is_killed_after_the_grace_time(
    agent: Agent, do: str, arguments: dict[str, bool]
) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", do, arguments=arguments)
    pid = int(scheduler.pushed("a"))
    scheduler.cancel("a", "cleared by ann")
    assert scheduler.finished("a").outcome == Failed("cleared by ann", retry="never")
    agent.wait_until_gone(pid)
    assert last_line(agent.log("a")).endswith("Attempt ended: cancelled: cleared by ann")


@pytest.mark.parametrize("session", [False, True], ids=["in its group", "in a session of its own"])
@pytest.mark.parametrize("die", [False, True], ids=["task succeeds", "task is killed"])
def test_no_process_survives_the_attempt_that_started_it(agent: Agent, session: bool, die: bool) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "daemon", arguments={"session": session, "die": die})
    pid = int(scheduler.pushed("a"))
    scheduler.finished("a")
    agent.wait_until_gone(pid)
    assert scheduler.run("b").outcome == Succeeded()


def test_a_daemon_that_a_running_attempt_has_started_is_left_alone_while_it_runs(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "daemon", arguments={"session": True, "wait": True})
    pid = int(scheduler.pushed("a"))
    for name in "bcd":
        scheduler.run(name)
    os.kill(pid, 0)
    scheduler.cancel("a", "cleared by ann")
    scheduler.finished("a")
    agent.wait_until_gone(pid)


def test_a_log_without_bounds_is_cut_back(start_agent: Start, home: Path) -> None:
    agent = start_agent(max_log_bytes=100_000)
    scheduler = agent.connect(agent.bundle())
    scheduler.launch("a", "talk", arguments={"lines": 20_000, "path": str(home / "go")})
    scheduler.pushed("a")
    log = agent.logs / "toy" / "a.log"
    (home / "go").touch()
    scheduler.finished("a")
    limit = agent.Deadline()
    while log.stat().st_size > 100_000 or not last_line(text := log.read_text()).endswith("ended: success"):
        limit.check("the log of the ended attempt is cut back")
    assert text.startswith("00000000x")
    assert text.count("The log passed 100000 bytes") == 1
    assert "the last thing that I say" in text


def test_many_attempts_at_once_all_come_to_their_end(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    names = [f"a{number}" for number in range(60)]
    for name in names:
        scheduler.launch(name, "echo", arguments={"text": name})
    waiting = set(names)
    while waiting:
        report = scheduler.next(object, lambda message: getattr(message, "kind", "") == "finished")
        assert report.outcome_kind == "succeeded"
        waiting.discard(report.attempt_id)


def test_random_moments_of_death_leave_nothing_undecided(agent: Agent) -> None:
    scheduler = agent.connect(agent.bundle())
    dice = random.Random(7)
    for number in range(10):
        scheduler.launch(f"a{number}", "wait")
        pid = int(scheduler.pushed(f"a{number}"))
        os.kill(pid, dice.choice([9, 15, 11, 6]))
        assert isinstance(scheduler.finished(f"a{number}").outcome, Failed)
