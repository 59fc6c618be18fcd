"""A Tradewind installation of its own to measure: started, asked for runs, read from its store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import environment
from tradewind.app.system import System
from tradewind.errors import NotFound
from tradewind.model.commands import TriggerRun
from tradewind.model.states import RUN_FINAL

_PATIENCE = 60.0  #: seconds to wait for anything


@dataclass(frozen=True, slots=True)
class Timing:
    """When a run and its tasks began and ended; ``tasks`` in the order of their beginning."""

    state: str
    start: datetime
    end: datetime
    tasks: tuple[tuple[datetime, datetime], ...]

    @property
    def seconds(self) -> float:
        """From the start of the run to its end."""
        return (self.end - self.start).total_seconds()

    @property
    def hops(self) -> list[float]:
        """Milliseconds from the end of each task to the start of the next."""
        return [
            (after[0] - before[1]).total_seconds() * 1000
            for before, after in zip(self.tasks, self.tasks[1:], strict=False)
        ]


class Installation:
    """A home folder with DAG files; ``with installation.up():`` has its processes running.

    :param settings: environment variables, as ``TRADEWIND__CORE__PARALLELISM="2"``.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.dags = home / "dags"
        self.dags.mkdir(parents=True)
        self._log = home / "up.log"
        self.environ = environment(TRADEWIND_HOME=str(home), TRADEWIND__CORE__PARALLELISM="2", **settings)
        self.system = System(environ=self.environ)
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, name: str, text: str) -> Path:
        """Put a DAG file into the DAG folder, whole at once."""
        draft = self.dags / f".{name}.draft"
        draft.write_text(text)
        return draft.rename(self.dags / f"{name}.py")

    def run_file(self, name: str) -> Timing:
        """``tradewind run`` on a DAG file: a run in a process that has just started."""
        command = [
            sys.executable,
            "-m",
            "tradewind",
            "run",
            str(self.dags / f"{name}.py"),
            "--output",
            "json",
        ]
        ended = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=_PATIENCE)
        if ended.returncode:
            raise RuntimeError(f"tradewind run {name} ended with {ended.returncode}: {ended.stderr[-500:]}")
        return _timing_of(json.loads(ended.stdout))

    def __enter__(self) -> Installation:
        command = [sys.executable, "-m", "tradewind", "up"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wait_for(lambda: self.system.scheduler is not None, "a scheduler")
        return self

    def __exit__(self, *raised: object) -> None:
        self.system.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def wait_for(self, condition: Callable[[], Any], what: str, pause: float = 0.02) -> float:
        """Wait until ``condition`` holds; seconds that it took.

        :raises RuntimeError: where the processes end, or it takes too long.
        """
        began = time.perf_counter()
        while not condition():
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"tradewind up has ended: {self._log.read_text()[-500:]}")
            if time.perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"no {what} within {_PATIENCE:g} s: {self._log.read_text()[-500:]}")
            time.sleep(pause)
        return time.perf_counter() - began

    def knows(self, dag_id: str) -> bool:
        """Whether the DAG was imported."""
        try:
            return self.system.dags.get(dag_id).version_id is not None
        except NotFound:
            return False

    def run(self, dag_id: str) -> Timing:
        """Trigger a run and see it to its end."""
        run_id = self.system.command(TriggerRun(dag_id=dag_id, even_if_paused=True))["run_id"]
        self.wait_for(lambda: self.system.runs.get(dag_id, run_id).state in RUN_FINAL, f"end of {dag_id}")
        row = self.system.runs.get(dag_id, run_id)
        assert row.info.start_date is not None
        assert row.end_date is not None
        instances = self.system.runs.task_instances(row.pk)
        tasks = sorted((it.start_date, it.end_date) for it in instances if it.start_date and it.end_date)
        return _checked(Timing(row.state, row.info.start_date, row.end_date, tuple(tasks)))


def _timing_of(result: dict[str, Any]) -> Timing:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text)

    tasks = sorted((moment(it["start_date"]), moment(it["end_date"])) for it in result["tasks"].values())
    return _checked(
        Timing(result["state"], moment(result["start_date"]), moment(result["end_date"]), tuple(tasks))
    )


def _checked(timing: Timing) -> Timing:
    if timing.state != "success":
        raise RuntimeError(f"the measured run ended as {timing.state}")
    return timing
