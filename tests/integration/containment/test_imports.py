"""Where an attempt's code comes from, and which templates stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.agent.protocol import Bundle
from tradewind.model.outcomes import Succeeded

pytestmark = pytest.mark.integration

Agent = Any  # what the fixtures of conftest.py make
Start = Callable[..., Agent]


def test_a_version_keeps_its_code_while_the_folder_changes_and_finds_its_data(
    agent: Agent, home: Path
) -> None:
    folder = home / "dags"
    (folder / "sub").mkdir(parents=True)
    text = (
        "import os\n"
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        "def data(): return open(here + '/data.csv').read() + open(here + '/sub/more.csv').read()\n"
        "def query(): return open(here + '/sub/query.sql').read()\n"
    )
    (folder / "dag.py").write_text(text)
    (folder / "data.csv").write_text("1,2")
    (folder / "sub" / "more.csv").write_text(",3")
    (folder / "sub" / "query.sql").write_text("select 1")
    bundle = agent.bundle(text, folder=str(folder), **{"sub/query.sql": "select 1"})
    (folder / "sub" / "query.sql").write_text("select 2")
    scheduler = agent.connect(bundle)
    assert scheduler.run("a", "module_value", name="data").xcoms[0].value == b"1,2,3"
    assert scheduler.run("b", "module_value", name="query").xcoms[0].value == b"select 1"
    assert (
        scheduler.run("c", "module_value", name="here")
        .xcoms[0]
        .value.startswith(str(home / "versions").encode())
    )


def test_a_spare_is_a_process_of_its_own_with_all_that_an_attempt_needs(start_agent: Start) -> None:
    agent = start_agent(isolation="spare")
    scheduler = agent.connect(agent.bundle("x = 'seen'\n"))
    assert scheduler.run("a", "module_value", name="x").xcoms[0].value == b"seen"
    assert "Runs in an interpreter of its own, not in a fork: isolation is set to 'spare'" in agent.log("a")
    seen = eval(scheduler.run("b", "describe").xcoms[0].value)
    assert seen[0] == seen[2]
    assert seen[1] == agent.process.pid
    assert not any("DATABASE" in key for key in seen[4])
    scheduler.launch("c", "wait", arguments={"ignore": True})
    pid = int(scheduler.pushed("c"))
    agent.kill()
    agent.wait_until_gone(pid)


def test_what_is_safe_to_fork_is_forked(start_agent: Start) -> None:
    pytest.importorskip("pandas")
    agent = start_agent(isolation="auto")
    scheduler = agent.connect(agent.bundle("import pandas, logging, json, asyncio\nkept = open(__file__)\n"))
    scheduler.run("a", "echo", text="hello")
    assert agent.log("a").startswith("hello")


def test_templates_of_replaced_versions_and_idle_templates_are_dropped(start_agent: Start) -> None:
    agent = start_agent(template_idle=0.1)
    scheduler = agent.connect(agent.bundle())
    old = eval(scheduler.run("a", "describe").xcoms[0].value)[1]
    scheduler.send(Bundle(agent.bundle("x = 2", version_id="v2")))
    agent.wait_until_gone(old)
    scheduler.launch("b", "describe", version_id="v2")
    new = eval(scheduler.finished("b").xcoms[0].value)[1]
    agent.wait_until_gone(new)
    scheduler.launch("c", "describe", version_id="v2")
    assert scheduler.finished("c").outcome == Succeeded()
    assert scheduler.run("d").outcome == Succeeded()


def test_over_the_memory_limit_the_template_unused_for_longest_goes(start_agent: Start) -> None:
    agent = start_agent(template_idle=0.2, template_memory=1)
    scheduler = agent.connect(agent.bundle(), agent.bundle("x = 2", version_id="v2"))
    scheduler.launch("a", "wait")
    template = int(Path(f"/proc/{scheduler.pushed('a')}/stat").read_text().rpartition(")")[2].split()[1])
    scheduler.launch("b", "describe", version_id="v2")
    other = eval(scheduler.finished("b").xcoms[0].value)[1]
    agent.wait_until_gone(other)
    assert Path(f"/proc/{template}").exists()
