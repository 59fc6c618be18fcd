"""The triggerer as a process: thousands of waits, its death, and triggers that misbehave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from house import House, alive, processes_of

from tradewind.agent.protocol import (
    Ack,
    Bundle,
    Frames,
    Hello,
    Message,
    Report,
    Unwatch,
    Watch,
    Welcome,
    frame,
)
from tradewind.app.up import listening
from tradewind.model.assets import Watched
from tradewind.model.order import VersionBundle
from tradewind.model.states import TaskState
from tradewind.triggerer.options import TriggererOptions

pytestmark = pytest.mark.integration

TRIGGERS = b"""
import asyncio, os, time
from tradewind import BaseTrigger, TriggerEvent

class Waits(BaseTrigger):
    def __init__(self, how="fires", gate="", n=0):
        super().__init__(how=how, gate=gate, n=n)
    def serialize(self):
        return "triggers.Waits", {"how": self.how, "gate": self.gate, "n": self.n}
    async def run(self):
        while self.gate and not os.path.exists(self.gate):
            await asyncio.sleep(0.1)
        if self.how == "raises": raise ValueError("bad luck")
        if self.how == "blocks": time.sleep(1000)
        if self.how == "dies": os._exit(9)
        if self.how == "waits": await asyncio.sleep(1000)
        if self.how == "says nothing": return
        yield TriggerEvent(self.n)
        while self.how == "goes on":
            await asyncio.sleep(0.01)
            self.n += 1
            yield TriggerEvent(self.n)
    async def on_kill(self):
        open(self.gate + ".killed", "w").close()
"""


class Triggerer:
    """A triggerer process, and the test in the place of its scheduler."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self.reports: list[Report] = []
        self.welcome: Welcome | None = None
        self.log = folder / "triggerer.log"

    @property
    def pid(self) -> int:
        assert self._program is not None
        return self._program.pid

    def start(self) -> None:
        options = TriggererOptions(
            socket_path=str(self._folder / "t.sock"),
            session=f"session-{os.urandom(4).hex()}",
            log_folder=str(self._folder / "logs"),
            cache_folder=str(self._folder / "cache"),
            block_limit=1.0,
        )
        with open(self.log, "ab") as log:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "tradewind.triggerer"], stdin=subprocess.PIPE, stderr=log
            )
        assert self._program.stdin is not None
        self._program.stdin.write(msgspec.json.encode(options))
        self._program.stdin.close()
        self.connect()

    def connect(self) -> None:
        """A scheduler comes, the first or another."""
        if self._socket is not None:
            self._socket.close()
        self._frames = Frames()
        path = self._folder / "t.sock"
        while listening(path) != self.pid:
            assert self._program is not None
            assert self._program.poll() is None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self.send(Hello("test"))
        self.welcome = None
        while self.welcome is None:
            self._receive()
        files = (("dag.py", b""), ("triggers.py", TRIGGERS))
        self.send(
            Bundle(VersionBundle(version_id="v", dag_id="d", folder="/nowhere", file="dag.py", files=files))
        )

    def send(self, *messages: Message) -> None:
        assert self._socket is not None
        self._socket.sendall(b"".join(map(frame, messages)))

    def watch(self, wait_id: str, classpath: str = "triggers.Waits", **kwargs: Any) -> None:
        self.send(
            Watch(wait_id, "v", classpath, msgspec.json.encode(kwargs).decode(), f"d/r/{wait_id}/1.log")
        )

    def watch_asset(self, wait_id: str, **kwargs: Any) -> None:
        watched = Watched(name="orders", uri="orders", watcher=wait_id)
        text = msgspec.json.encode(kwargs).decode()
        self.send(Watch(wait_id, "v", "triggers.Waits", text, watched=watched))

    def until_fired(self, wait_id: str, number: int) -> list[Report]:
        """The watcher's reports, when there are so many."""
        while len(found := [it for it in self.reports if it.attempt_id == wait_id]) < number:
            self._receive()
        return found

    def wait_for(self, number: int) -> list[Report]:
        """The reports, when there are so many."""
        while len(self.reports) < number:
            self._receive()
        return self.reports

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self._program is not None
        self._program.wait()

    def end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._program is not None and self._program.poll() is None:
            self._program.terminate()
            self._program.wait(20)

    def _receive(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(1 << 20)
        assert data, "the triggerer has closed the line"
        for message in self._frames.feed(data):
            if isinstance(message, Report):
                self.reports.append(message)
            elif isinstance(message, Welcome):
                self.welcome = message


@pytest.fixture
def triggerer(tmp_path: Path) -> Iterator[Triggerer]:
    made = Triggerer(tmp_path)
    made.start()
    yield made
    made.end()


def test_ten_thousand_waits_outlive_the_process(triggerer: Triggerer, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ids = [f"{n:036d}" for n in range(10_000)]
    for n, wait_id in enumerate(ids):
        triggerer.watch(wait_id, gate=str(gate), n=n)
    triggerer.watch("first", n=-1)
    triggerer.wait_for(1)  # so it runs what came before
    workers = processes_of(triggerer.pid)
    assert workers
    triggerer.kill()
    triggerer.start()
    assert triggerer.welcome is not None
    assert triggerer.welcome.held == ()
    for n, wait_id in enumerate(ids):
        triggerer.watch(wait_id, gate=str(gate), n=n)
    gate.touch()

    reports = triggerer.wait_for(10_001)[1:]

    assert Counter(report.attempt_id for report in reports) == Counter(ids)
    assert all(report.event == str(int(report.attempt_id)) for report in reports)
    assert not any(alive(pid) for pid in workers), "the dead one's workers are gone with it"


def test_what_was_not_acknowledged_is_told_again_and_what_was_is_not(triggerer: Triggerer) -> None:
    triggerer.watch("a", n=1)
    (first,) = triggerer.wait_for(1)
    triggerer.connect()
    assert triggerer.welcome is not None
    assert triggerer.welcome.held == ("a",)
    assert triggerer.wait_for(2)[1] == first

    triggerer.send(Ack(first.n))
    triggerer.watch("b", n=2)
    triggerer.wait_for(3)
    triggerer.connect()
    assert triggerer.welcome.held == ("b",)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "ValueError: bad luck"),
        ("blocks", "blocked the event loop"),
        ("dies", "ended the process that ran it"),
        ("says nothing", "ended without an event"),
    ],
)
def test_a_bad_trigger_hurts_its_own_task_alone(
    triggerer: Triggerer, tmp_path: Path, how: str, words: str
) -> None:
    gate = tmp_path / "gate"
    for n in range(20):
        triggerer.watch(f"good-{n}", gate=str(gate), n=n)
    triggerer.watch("bad", how=how)

    (bad,) = triggerer.wait_for(1)
    assert (bad.attempt_id, bad.event) == ("bad", None)
    assert words in bad.reason
    gate.touch()
    good = triggerer.wait_for(21)[1:]

    assert {report.attempt_id: report.event for report in good} == {f"good-{n}": str(n) for n in range(20)}


def test_a_class_that_is_not_there_fails_its_task_alone(triggerer: Triggerer) -> None:
    triggerer.watch("a", classpath="triggers.Nobody")
    triggerer.watch("b", classpath="nobody.has.This")
    triggerer.watch("c", n=3)
    found = {report.attempt_id: report for report in triggerer.wait_for(3)}
    assert "no trigger" in found["a"].reason
    assert "no trigger" in found["b"].reason
    assert found["c"].event == "3"


def test_who_is_not_waited_for_any_more_is_told(triggerer: Triggerer, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    triggerer.watch("a", how="waits", gate=str(gate))
    triggerer.watch("b", n=2)
    triggerer.wait_for(1)
    triggerer.send(Unwatch("a"))
    while not (tmp_path / "gate.killed").exists():
        pass
    triggerer.connect()
    assert triggerer.welcome is not None
    assert "a" not in triggerer.welcome.held


def test_a_watcher_goes_on_after_an_event_and_is_run_again_when_it_ends(triggerer: Triggerer) -> None:
    triggerer.watch_asset("goes on", how="goes on", n=0)
    triggerer.watch_asset("ends", n=5)

    fired = triggerer.until_fired("goes on", 4)
    again = triggerer.until_fired("ends", 2)

    assert [it.event for it in fired[:4]] == ["0", "1", "2", "3"]
    assert [it.event for it in again[:2]] == ["5", "5"]
    assert {it.kind for it in triggerer.reports} == {"fired"}
    assert len({it.event_id for it in triggerer.reports}) == len(triggerer.reports)
    assert fired[0].watched == Watched(name="orders", uri="orders", watcher="goes on")


def test_what_a_watcher_saw_is_told_again_with_the_same_id_until_it_is_acknowledged(
    triggerer: Triggerer,
) -> None:
    triggerer.watch_asset("w", how="goes on", n=0)
    before = triggerer.until_fired("w", 3)[:3]
    triggerer.send(Ack(before[0].n))
    triggerer.reports.clear()
    triggerer.connect()
    assert triggerer.welcome is not None
    assert triggerer.welcome.held == ("w",)

    told = triggerer.until_fired("w", 3)

    assert [it.event_id for it in told[:2]] == [it.event_id for it in before[1:]]
    triggerer.send(Unwatch("w", killed=False))
    triggerer.watch("after", n=1)
    triggerer.until_fired("after", 1)
    triggerer.connect()
    assert triggerer.welcome.held == ("after",), (
        "what is only on its way does not keep it from being begun anew"
    )


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "ValueError: bad luck"),
        ("blocks", "blocked the event loop"),
        ("dies", "ended the process that ran it"),
        ("says nothing", "ended without an event"),
    ],
)
def test_a_bad_watcher_is_named_and_tried_again_and_hurts_nobody(
    triggerer: Triggerer, tmp_path: Path, how: str, words: str
) -> None:
    gate = tmp_path / "gate"
    triggerer.watch("good", gate=str(gate), n=1)
    triggerer.watch_asset("bad", how=how)

    def said() -> list[str]:
        named = "the watcher 'bad' of asset 'orders' failed"
        return [line for line in triggerer.log.read_text().splitlines() if named in line]

    while len(said()) < 2:
        pass
    gate.touch()

    assert [words in line for line in said()[:2]] == [True, True]
    assert "again in 1 s" in said()[0]
    assert "again in 2 s" in said()[1]
    assert [it.event for it in triggerer.until_fired("good", 1)] == ["1"]
    assert not any(it.attempt_id == "bad" for it in triggerer.reports)


DAG_FILE = """
from tradewind import DAG, BaseOperator
from triggers import Waits

class Defers(BaseOperator):
    def __init__(self, n, gate, **arguments):
        super().__init__(**arguments)
        self.n, self.gate = n, gate
    def execute(self, context):
        self.defer(trigger=Waits(gate=self.gate, n=self.n))
    def execute_complete(self, context, event=None):
        with open(self.gate + ".done", "a") as done:
            done.write(f"{event}\\n")

with DAG("waits", schedule=None, is_paused_upon_creation=False, max_active_tasks=100):
    for n in range(30):
        Defers(n, GATE, task_id=f"t{n}")
"""


def test_up_starts_a_triggerer_when_it_is_needed_and_again_when_it_dies(house: House) -> None:
    gate = house.home / "gate"
    house.write("triggers.py", TRIGGERS.decode())
    house.write("waits.py", DAG_FILE.replace("GATE", repr(str(gate))))
    house.up()
    house.until(lambda: house.has_dag("waits"))
    assert "triggerer is process" not in house.up_log()
    assert house.tradewind("dags", "trigger", "waits").returncode == 0
    deferred = TaskState.DEFERRED

    def states() -> Counter[Any]:
        (run,) = house.system.runs.find("waits")
        return Counter(it.state for it in house.system.runs.task_instances(run.pk))

    house.until(lambda: states() == {deferred: 30})
    triggerer = house.system.settings.home.run / "triggerer.sock"
    pid = house.until(lambda: listening(triggerer))
    os.kill(pid, signal.SIGKILL)
    house.until(lambda: listening(triggerer) not in (None, pid))
    gate.touch()

    house.until(lambda: states() == {TaskState.SUCCESS: 30})
    done = Path(f"{gate}.done").read_text().split()
    assert sorted(done, key=int) == [str(n) for n in range(30)]
