"""An installation in a folder, with its processes: what the tests that start and kill real processes share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradewind.app.system import System
from tradewind.app.up import listening
from tradewind.model.states import RUN_FINAL


class House:
    """A home with DAG files, and ``tradewind`` run in it as a user would."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.home = folder / "home"
        self.dags = self.home / "dags"
        self.dags.mkdir(parents=True)
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TRADEWIND")},
            "TRADEWIND_HOME": str(self.home),
            "TRADEWIND__TASKS__KILL_GRACE_SECONDS": "1",
            **settings,
        }
        self.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        self.system = System(self.home, self.environ)
        self._started: list[subprocess.Popen[bytes]] = []

    def write(self, name: str, text: str) -> Path:
        """Write a DAG file."""
        path = self.dags / name
        path.write_text(text)
        return path

    def tradewind(self, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tradewind", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def import_dags(self) -> None:
        """Import the DAG folder once, in a process of its own."""
        code = "from tradewind.app.system import System; from tradewind.app.importing import import_folder; "
        subprocess.run(
            [sys.executable, "-c", code + "import_folder(System())"], env=self.environ, timeout=60, check=True
        )

    def run(self, file: Path, *arguments: str) -> dict[str, Any]:
        """``tradewind run FILE``; its JSON."""
        ended = self.tradewind("run", str(file), "--output", "json", *arguments)
        assert ended.stdout, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def up(self, *, at_once: bool = False) -> subprocess.Popen[bytes]:
        """Start ``tradewind up``; it is ended with the house.

        :param at_once: start processes that died again at once, however often they do.
        """
        eager = "from tradewind.app.system import System; from tradewind.app.up import up; up(System(), pauses=(0.0,))"
        with open(self.home / "up.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *(["-c", eager] if at_once else ["-m", "tradewind", "up"])],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what was started."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        agent = listening(self.system.settings.home.run / "agent.sock")
        if agent is not None:
            os.kill(agent, signal.SIGTERM)  # it outlives its scheduler, but not this test
        self.system.close()

    def up_log(self) -> str:
        """What ``up`` has said so far."""
        return (self.home / "up.log").read_text()

    def until(self, what: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Ask again and again until the answer is yes; the answer."""
        give_up = time.monotonic() + seconds
        while True:
            answer = what()
            if answer:
                return answer
            if time.monotonic() > give_up:
                raise AssertionError(f"not within {seconds:g} s; up said:\n{self.up_log()[-6000:]}")
            time.sleep(0.02)

    def has_dag(self, dag_id: str) -> bool:
        """Whether the DAG was imported."""
        return any(dag.dag_id == dag_id for dag in self.system.dags.find())

    def open_runs(self) -> list[str]:
        """Runs that have not ended."""
        return [row.info.run_id for row in self.system.runs.find(limit=None) if row.state not in RUN_FINAL]


def processes_of(pid: int) -> dict[int, str]:
    """The descendants of a process, with their command lines' first words or names."""
    found: dict[int, str] = {}
    front = [pid]
    while front:
        parent = front.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").glob("*/children"))
        except OSError:  # it has ended this very moment
            continue
        for task in tasks:
            try:
                children = [int(word) for word in task.read_text().split()]
            except OSError:
                continue
            for child in children:
                try:
                    found[child] = Path(f"/proc/{child}/comm").read_text().strip()
                except OSError:
                    continue
                front.append(child)
    return found


def alive(pid: int | str) -> bool:
    """Whether the process runs; one that has ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
