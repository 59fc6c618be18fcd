from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from agent_end import AgentProcess


class MakeAgent(Protocol):
    def __call__(self, *, how: str = ..., **options: Any) -> AgentProcess: ...


@pytest.fixture
def make_agent(tmp_path: Path) -> Iterator[MakeAgent]:
    """Agents that are ended with the test, which fails where they leave anything behind."""
    made: list[AgentProcess] = []

    def make(*, how: str = "spawn", **options: Any) -> AgentProcess:
        folder = tmp_path / f"agent{len(made)}"
        folder.mkdir()
        made.append(AgentProcess(folder, how=how, **options))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def agent(make_agent: MakeAgent) -> AgentProcess:
    return make_agent()
