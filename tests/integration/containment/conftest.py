"""An agent process, and the scheduler's end of its socket."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewind.agent.options import AgentOptions
from tradewind.agent.protocol import (
    Ack,
    Bundle,
    Cancel,
    Frames,
    Hello,
    Launch,
    Message,
    Report,
    Welcome,
    fact_of,
    frame,
)
from tradewind.agent.wire import connect
from tradewind.model.facts import AttemptFinished, AttemptLost, XComPushed
from tradewind.model.order import Order, VersionBundle
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType

HERE = Path(__file__).parent
PATIENCE = 20.0


class SchedulerEnd:
    """Speaks the protocol by hand."""

    def __init__(self, path: str) -> None:
        self.socket = connect(path)
        self.socket.setblocking(True)
        self.socket.settimeout(PATIENCE)
        self._frames = Frames()
        self._waiting: list[Message] = []
        self.seen: list[Message] = []
        self.send(Hello("test"))
        self.welcome = self.next(Welcome)

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(map(frame, messages)))

    def next(self, kind: type[Any], matching: Callable[[Any], bool] = lambda message: True) -> Any:
        """The first message of a kind that was not taken yet; others stay for whoever asks for them."""
        while True:
            for message in self._waiting:
                if isinstance(message, kind) and matching(message):
                    self._waiting.remove(message)
                    return message
            data = self.socket.recv(1 << 20)
            assert data, "the agent closed the line"
            messages = self._frames.feed(data)
            self.seen += messages
            self._waiting += messages

    def report(self, attempt_id: str, *kinds: str) -> Report:
        found: Report = self.next(
            Report, lambda report: report.attempt_id == attempt_id and report.kind in kinds
        )
        return found

    def finished(self, attempt_id: str) -> AttemptFinished:
        fact = fact_of(self.report(attempt_id, "finished", "lost"))
        assert isinstance(fact, AttemptFinished), fact
        return fact

    def lost(self, attempt_id: str) -> AttemptLost:
        fact = fact_of(self.report(attempt_id, "finished", "lost"))
        assert isinstance(fact, AttemptLost), fact
        return fact

    def pushed(self, attempt_id: str) -> str:
        fact = fact_of(self.report(attempt_id, "pushed"))
        assert isinstance(fact, XComPushed)
        return fact.xcom.value.decode()

    def launch(self, attempt_id: str, do: str = "nothing", version_id: str = "v1", **fields: Any) -> None:
        arguments = fields.pop("arguments", {})
        self.send(Launch(order(attempt_id, do, arguments, version_id, **fields)))

    def run(self, attempt_id: str, do: str = "nothing", **arguments: Any) -> AttemptFinished:
        self.launch(attempt_id, do, arguments=arguments)
        return self.finished(attempt_id)

    def cancel(self, attempt_id: str, reason: str) -> None:
        self.send(Cancel(attempt_id, reason))

    def acknowledge(self) -> None:
        self.send(Ack(max(message.n for message in self.seen if isinstance(message, Report))))

    def close(self) -> None:
        self.socket.close()


def order(
    attempt_id: str, do: str, arguments: dict[str, Any], version_id: str = "v1", **fields: Any
) -> Order:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    run = RunInfo(
        dag_id="toy",
        run_id="run_1",
        run_type=RunType.MANUAL,
        logical_date=moment,
        data_interval=None,
        run_after=moment,
        conf={"do": do, "with": arguments},
        version_id=version_id,
    )
    fields.setdefault("log_path", f"toy/{attempt_id}.log")
    return Order(attempt_id=attempt_id, version_id=version_id, run=run, task_id="task", **fields)


def bundle(text: str = "", version_id: str = "v1", folder: str = "/nowhere", **others: str) -> VersionBundle:
    files = [
        ("dag.py", text.encode()),
        *((name.replace("__", "/"), value.encode()) for name, value in others.items()),
    ]
    return VersionBundle(
        version_id=version_id, dag_id="toy", folder=folder, file="dag.py", files=tuple(files)
    )


class Deadline:
    """Looks again and again, for a bounded time."""

    def __init__(self) -> None:
        self._left = int(PATIENCE / 0.005)

    def check(self, what: str) -> None:
        self._left -= 1
        assert self._left > 0, f"waited {PATIENCE} s until {what}"
        select.select([], [], [], 0.005)


def wait_until_gone(*pids: int) -> None:
    """Return when none of the processes is there any more."""
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                assert select.select([descriptor], [], [], PATIENCE)[0], f"process {pid} is still there"
            finally:
                os.close(descriptor)


class AgentProcess:
    """An agent as a program, and what a test wants to know of it."""

    bundle = staticmethod(bundle)
    wait_until_gone = staticmethod(wait_until_gone)
    Deadline = Deadline

    def __init__(self, home: Path, **options: Any) -> None:
        self.logs = home / "logs"
        fields: dict[str, Any] = {
            "socket_path": str(home / "run" / "agent.sock"),
            "session": "01890000-0000-7000-8000-000000000001",
            "capacity": 2,
            "log_folder": str(self.logs),
            "cache_folder": str(home / "versions"),
            "runner": "toy_runner:make",
            "kill_grace": 0.2,
            "timeout_margin": 0.1,
            "isolation": "fork",
        }
        self.options = AgentOptions(**(fields | options))
        self.socket_path = self.options.socket_path
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "TRADEWIND__DATABASE__URL": "sqlite:///secret.db",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.own_log = home / "agent.log"
        with open(self.own_log, "wb") as own_log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tradewind.agent"],
                stdin=subprocess.PIPE,
                stderr=own_log,
                env=environment,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(self.options))
        self.process.stdin.close()
        self._ends: list[SchedulerEnd] = []

    def connect(self, *bundles: VersionBundle) -> SchedulerEnd:
        end = SchedulerEnd(self._listening())
        self._ends.append(end)
        end.send(*(Bundle(each) for each in bundles))
        return end

    def log(self, attempt_id: str) -> str:
        return (self.logs / "toy" / f"{attempt_id}.log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        for end in self._ends:
            end.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def _listening(self) -> str:
        """Wait until the socket is there: the agent makes it, so its folder is watched by looking."""
        limit = Deadline()
        while True:
            try:
                probe = connect(self.socket_path)
            except (FileNotFoundError, ConnectionRefusedError):
                assert self.process.poll() is None, self.own_log.read_text()
                limit.check("the agent listens")
            else:
                probe.close()
                return self.socket_path


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: a socket's address has to be short.
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        yield Path(folder)


@pytest.fixture
def start_agent(home: Path) -> Iterator[Callable[..., AgentProcess]]:
    """Starts agents; they are ended with the test, and leave nothing behind."""
    started: list[AgentProcess] = []

    def start(**options: Any) -> AgentProcess:
        agent = AgentProcess(home, **options)
        started.append(agent)
        return agent

    yield start
    for agent in started:
        agent.end()


@pytest.fixture
def agent(start_agent: Callable[..., AgentProcess]) -> AgentProcess:
    return start_agent()
