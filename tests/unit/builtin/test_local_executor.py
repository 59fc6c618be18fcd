"""The local executor against an agent that is nothing but a socket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradewind.agent.caller import RETRY_FIRST, RETRY_LAST
from tradewind.agent.protocol import (
    Ack,
    Ask,
    Bundle,
    Cancel,
    Frames,
    Hello,
    Launch,
    Message,
    Prepare,
    Reply,
    Welcome,
    frame,
    report_of,
)
from tradewind.agent.wire import listen
from tradewind.builtin.local_executor import LocalExecutor
from tradewind.errors import Refused
from tradewind.model.facts import AttemptLost, Fact
from tradewind.model.order import Order, VersionBundle
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def order(attempt_id: str = "a", version_id: str = "v1", conf: dict[str, Any] | None = None) -> Order:
    run = RunInfo(
        dag_id="d",
        run_id="r",
        run_type=RunType.MANUAL,
        logical_date=NOW,
        data_interval=None,
        run_after=NOW,
        conf=conf or {},
    )
    return Order(attempt_id=attempt_id, version_id=version_id, run=run, task_id="t", log_path="l")


class Host:
    """A scheduler that writes down what it is told; its timers go off when the test says so."""

    def __init__(self) -> None:
        self.readable: Callable[[], None] | None = None
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.facts: list[Fact] = []
        self.acknowledge: list[Callable[[], None]] = []
        self.sessions: list[tuple[str, tuple[str, ...]]] = []

    def watch(self, source: object, on_readable: Callable[[], None]) -> None:
        self.readable = on_readable

    def unwatch(self, source: object) -> None:
        self.readable = None

    def soon(self, call: Callable[[], None]) -> None:
        self.later(0, call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((seconds, call))

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None = None) -> None:
        assert acknowledge is not None
        self.facts.append(fact)
        self.acknowledge.append(acknowledge)

    def answer(self, attempt_id: str, operation: str, arguments: dict[str, Any]) -> Any:
        match operation:
            case "variable.get":
                return {"city": "Seattle"}[arguments["key"]]
            case "unsendable":
                return object()
        raise Refused("no such operation")

    def bundle(self, version_id: str) -> VersionBundle:
        return VersionBundle(version_id=version_id, dag_id="d", folder="/d", file="d.py")

    def session_started(self, session: str, held: tuple[str, ...], **more: Any) -> None:
        self.sessions.append((session, held))

    def session_ended(self, session: str, reason: str) -> None:
        raise AssertionError

    def fire(self) -> list[float]:
        """Let all timers go off; how long they had waited."""
        timers, self.timers = self.timers, []
        for _, call in timers:
            call()
        return [seconds for seconds, _ in timers]

    def read(self) -> None:
        assert self.readable is not None
        self.readable()


class Agent:
    """The agent's end of the socket."""

    def __init__(self, path: Path) -> None:
        self.listener = listen(str(path))
        self.sock: socket.socket | None = None
        self.frames = Frames()

    def accept(self, *messages: Message, session: str = "s1", held: tuple[str, ...] = ()) -> None:
        self.hang_up()
        self.sock, _ = self.listener.accept()
        self.sock.setblocking(False)
        self.frames = Frames()
        self.say(Welcome(session, "host", 1, 4, held), *messages)

    def say(self, *messages: Message) -> None:
        assert self.sock is not None
        self.sock.sendall(b"".join(map(frame, messages)))

    def heard(self) -> list[Message]:
        assert self.sock is not None
        found: list[Message] = []
        while True:
            try:
                data = self.sock.recv(1 << 20)
            except BlockingIOError:
                return found
            if not data:
                return found
            found += self.frames.feed(data)

    def hang_up(self) -> None:
        if self.sock is not None:
            self.sock.close()

    def close(self) -> None:
        self.listener.close()
        self.hang_up()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "run" / "a.sock")
    yield made
    made.close()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def executor(agent: Agent, host: Host, tmp_path: Path) -> Iterator[LocalExecutor]:
    made = LocalExecutor(str(tmp_path / "run" / "a.sock"))
    made.start(host)
    yield made
    made.stop()


def lost(number: int) -> Message:
    return report_of(number, AttemptLost(attempt_id=f"a{number}", at=NOW, reason=""))


def test_without_an_agent_there_is_neither_capacity_nor_session(executor: LocalExecutor) -> None:
    assert (executor.capacity, executor.session) == (0, None)


def test_a_welcome_makes_a_session(executor: LocalExecutor, host: Host, agent: Agent) -> None:
    agent.accept(held=("a",))
    host.read()
    assert (executor.capacity, executor.session) == (4, "s1")
    assert host.sessions == [("s1", ("a",))]


def test_a_version_s_files_go_once_before_its_first_order(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept()
    host.read()
    executor.prepare("v1", 2)
    executor.submit(order("a"))
    executor.submit(order("b"))
    executor.prepare("v1", 0)
    executor.cancel("a", "enough")
    assert [type(it) for it in agent.heard()] == [Hello]
    executor.flush()
    assert [type(it) for it in agent.heard()] == [
        Bundle,
        Prepare,
        Launch,
        Launch,
        Prepare,
        Cancel,
    ]


def test_an_order_without_an_agent_is_left_to_the_next_session(executor: LocalExecutor, agent: Agent) -> None:
    executor.submit(order())
    executor.flush()
    agent.accept()
    assert [type(it) for it in agent.heard()] == [Hello]


def test_what_the_agent_does_not_take_at_once_arrives_in_order(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept()
    host.read()
    for number in range(20):
        executor.submit(order(str(number), conf={"filler": "x" * 100_000}))
    executor.flush()
    heard: list[Message] = []
    while host.timers:
        heard += agent.heard()
        assert len(host.timers) == 1
        host.fire()
    heard += agent.heard()
    assert [it.order.attempt_id for it in heard if isinstance(it, Launch)] == [str(it) for it in range(20)]


def test_reports_are_acknowledged_together_after_their_commit(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept(lost(1), lost(2), lost(3))
    host.read()
    assert [fact.attempt_id for fact in host.facts] == ["a1", "a2", "a3"]
    executor.flush()
    assert [type(it) for it in agent.heard()] == [Hello]
    for acknowledge in host.acknowledge:
        acknowledge()
    executor.flush()
    executor.flush()
    assert agent.heard() == [Ack(3)]


def test_an_acknowledgement_never_covers_what_is_not_committed(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept(lost(1), lost(2), lost(3))
    host.read()
    host.acknowledge[0]()
    host.acknowledge[2]()
    executor.flush()
    assert agent.heard()[1:] == [Ack(1)]
    host.acknowledge[1]()
    executor.flush()
    assert agent.heard() == [Ack(3)]


def test_a_commit_of_an_earlier_connection_acknowledges_the_report_that_came_again(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept(lost(1))
    host.read()
    agent.hang_up()
    host.read()
    host.fire()
    agent.accept(lost(1))
    host.read()
    host.acknowledge[0]()
    executor.flush()
    assert agent.heard()[1:] == [Ack(1)]


def test_a_commit_for_another_session_acknowledges_nothing(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept(lost(1))
    host.read()
    agent.hang_up()
    host.read()
    assert executor.session is None
    host.fire()
    agent.accept(lost(1), session="s2")
    host.read()
    host.acknowledge[0]()
    executor.flush()
    assert agent.heard()[1:] == []
    assert [session for session, _ in host.sessions] == ["s1", "s2"]


def test_files_go_again_over_a_new_connection(executor: LocalExecutor, host: Host, agent: Agent) -> None:
    agent.accept()
    host.read()
    executor.submit(order("a"))
    agent.hang_up()
    host.read()
    host.fire()
    agent.accept()
    host.read()
    executor.submit(order("a"))
    executor.flush()
    assert [type(it) for it in agent.heard()] == [Hello, Bundle, Launch]


def test_an_agent_that_is_not_there_is_looked_for_ever_more_seldom(tmp_path: Path, host: Host) -> None:
    executor = LocalExecutor(str(tmp_path / "nobody.sock"))
    executor.start(host)
    pauses = [host.fire()[0] for _ in range(10)]
    executor.stop()
    assert pauses[0] == RETRY_FIRST
    assert pauses == sorted(pauses)
    assert pauses[-1] == RETRY_LAST
    host.fire()
    assert host.timers == []


def test_an_agent_of_another_version_is_not_used_nor_pestered(
    executor: LocalExecutor, host: Host, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = []
    for _ in range(8):
        agent.sock, _ = agent.listener.accept()
        agent.say(Welcome("s1", "host", 1, 4, (), 99))
        agent.hang_up()
        host.read()  # the welcome
        host.read()  # the end
        assert executor.session is None
        pauses += host.fire()
    assert pauses[-1] == RETRY_LAST
    assert "another version" in caplog.text


def test_questions_are_answered_whatever_they_are(
    executor: LocalExecutor, host: Host, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    agent.accept(
        Ask(1, "variable.get", {"key": "city"}, "a"),
        Ask(2, "nonsense", {}, "a"),
        Ask(3, "variable.get", {}, "a"),
        Ask(4, "unsendable", {}, ""),
    )
    host.read()
    first, second, third, fourth = agent.heard()[1:]
    assert first == Reply(1, "Seattle", None, "a")
    assert second == Reply(2, None, "no such operation", "a")
    assert isinstance(third, Reply)
    assert third.error == "'variable.get' cannot be answered: KeyError: 'key'"
    assert isinstance(fourth, Reply)
    assert "'unsendable' cannot be answered" in (fourth.error or "")


def test_noise_ends_the_connection_and_a_new_one_is_made(
    executor: LocalExecutor, host: Host, agent: Agent
) -> None:
    agent.accept()
    host.read()
    assert agent.sock is not None
    agent.sock.sendall(b"\xff" * 64)
    host.read()
    assert executor.session is None
    host.fire()
    agent.accept(session="s2")
    host.read()
    assert executor.session == "s2"
