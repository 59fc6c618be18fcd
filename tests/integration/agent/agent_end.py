"""A scheduler's end of the connection to an agent, and the agent as a process: what these tests share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from tradewind.agent.options import AgentOptions
from tradewind.agent.protocol import (
    Ack,
    Ask,
    Bundle,
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
from tradewind.model.facts import AttemptFinished, AttemptLost, AttemptStarted
from tradewind.model.order import Order, VersionBundle
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType

T = TypeVar("T")
HERE = Path(__file__).parent
PATIENCE = 30.0


def until(what: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is yes; the answer."""
    give_up = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < give_up, f"not within {seconds:g} s"
        time.sleep(0.005)
    return answer


def alive(pid: int) -> bool:
    """Whether the process is there and not merely unreaped."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def order(task_id: str, attempt_id: str | None = None, *, version_id: str = "v1", **more: Any) -> Order:
    attempt_id = attempt_id or f"{task_id}-1"
    when = datetime(2026, 1, 1, tzinfo=UTC)
    run = RunInfo(
        dag_id="d", run_id="r", run_type=RunType.MANUAL, logical_date=when, data_interval=None, run_after=when
    )
    return Order(
        attempt_id=attempt_id,
        version_id=version_id,
        run=run,
        task_id=task_id,
        log_path=f"d/r/{attempt_id}.log",
        **more,
    )


class AgentProcess:
    """An agent that runs, its folders, and everything below it."""

    def __init__(self, folder: Path, *, how: str = "spawn", **options: Any) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.options = AgentOptions(
            **{
                "socket_path": str(folder / "run" / "a.sock"),
                "session": "s1",
                "capacity": 2,
                "log_folder": str(self.logs),
                "cache_folder": str(folder / "cache"),
                "runner": "tiny_runner:make",
                "kill_grace": 0.2,
                "timeout_margin": 0.2,
                "log_file": str(folder / "agent.log"),
                "linger": 20.0,
                **options,
            }
        )
        environ = {**os.environ, "PYTHONPATH": str(HERE)}
        module = [str(HERE / "start_agent.py")] if how == "fork" else ["-m", "tradewind.agent"]
        self.process = subprocess.Popen(
            [sys.executable, *module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(msgspec.json.encode(self.options))
        self.process.stdin.close()
        self.pid = int(self.process.stdout.readline()) if how == "fork" else self.process.pid
        self._ends: list[SchedulerEnd] = []

    def scheduler(self, **how: Any) -> SchedulerEnd:
        """A scheduler that connects."""
        end = SchedulerEnd(self.options.socket_path, **how)
        self._ends.append(end)
        return end

    def below(self) -> list[psutil.Process]:
        """Everything that descends from the agent."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def log(self, name: str) -> str:
        return (self.logs / "d" / "r" / f"{name}.log").read_text(errors="replace")

    def last_line(self, name: str) -> str:
        return self.log(name).rstrip("\n").rpartition("\n")[2].partition(" tradewind - ")[2]

    def own_log(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text() if path.exists() else ""

    def ended(self) -> bool:
        self.process.poll()
        return not alive(self.pid)

    def close(self) -> None:
        """End it, and see that nothing of it is left."""
        for end in self._ends:
            end.close()
        below = self.below()
        if not self.ended():
            os.kill(self.pid, signal.SIGTERM)
        try:
            until(self.ended, 10)
        except AssertionError:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
            _, left = psutil.wait_procs(below, 3)
            for process in left:
                process.kill()
        assert not left, f"left behind: {left}"


class SchedulerEnd:
    """Speaks the scheduler's side of the protocol."""

    def __init__(self, path: str, *, acknowledges: bool = True, hello: Hello | None = None) -> None:
        self._path = path
        self._acknowledges = acknowledges
        self._frames = Frames()
        self._socket = self._connect()
        self.reports: list[Report] = []
        self.asked: list[Ask] = []
        self.welcome: Welcome | None = None
        self.ended = False
        self.send(hello or Hello("test"))
        until(lambda: self.read() or self.welcome or self.ended)

    def _connect(self) -> socket.socket:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                sock = connect(self._path)
            except OSError:
                assert time.monotonic() < give_up, "no agent listens"
                time.sleep(0.005)
                continue
            sock.settimeout(0.05)
            return sock

    def send(self, *messages: Message) -> None:
        self._socket.settimeout(PATIENCE)
        self._socket.sendall(b"".join(map(frame, messages)))
        self._socket.settimeout(0.05)

    def bundle(self, code: str, version_id: str = "v1", *, folder: str = "/nowhere", **files: bytes) -> None:
        self.send(
            Bundle(
                VersionBundle(
                    version_id=version_id,
                    dag_id="d",
                    folder=folder,
                    file="dag.py",
                    files=(("dag.py", code.encode()), *files.items()),
                )
            )
        )

    def launch(self, task_id: str, attempt_id: str | None = None, **more: Any) -> str:
        made = order(task_id, attempt_id, **more)
        self.send(Launch(made))
        return made.attempt_id

    def read(self) -> None:
        """Take what comes within a moment."""
        try:
            data = self._socket.recv(1 << 20)
        except TimeoutError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return
        for message in self._frames.feed(data):
            match message:
                case Report():
                    self.reports.append(message)
                    if self._acknowledges:
                        self.send(Ack(message.n))
                case Ask():
                    self.asked.append(message)
                case Welcome():
                    self.welcome = message
                case _:
                    raise AssertionError(message)

    def _wait(self, what: Callable[[], T | None], seconds: float) -> T:
        give_up = time.monotonic() + seconds
        while (found := what()) is None:
            assert time.monotonic() < give_up, f"not within {seconds:g} s; reports: {self.reports}"
            assert not self.ended, "the agent is gone"
            self.read()
        return found

    def fact(self, attempt_id: str, kind: type[T], seconds: float = PATIENCE) -> T:
        """Wait for a fact of this kind about the attempt."""

        def look() -> T | None:
            for report in self.reports:
                if report.attempt_id == attempt_id and isinstance(fact := fact_of(report), kind):
                    return replace(fact)  # type: ignore[type-var]
            return None

        return self._wait(look, seconds)

    def started(self, attempt_id: str) -> AttemptStarted:
        return self.fact(attempt_id, AttemptStarted)

    def finished(self, attempt_id: str, seconds: float = PATIENCE) -> AttemptFinished:
        return self.fact(attempt_id, AttemptFinished, seconds)

    def lost(self, attempt_id: str) -> AttemptLost:
        return self.fact(attempt_id, AttemptLost)

    def question(self) -> Ask:
        """Wait for the next question."""
        return self._wait(lambda: self.asked.pop(0) if self.asked else None, PATIENCE)

    def close(self) -> None:
        self._socket.close()
