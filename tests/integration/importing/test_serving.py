"""The importer's process as it is served: how soon a save is seen, and what is left when something is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, processes_of

pytestmark = pytest.mark.integration

SERVE = "import sys; from tradewind.app import importing, system; sys.exit(importing.serve(system.System()))"
GOOD = (
    "from tradewind import DAG, EmptyOperator, Variable\nwith DAG('{}'):\n    EmptyOperator(task_id='only')\n"
)


class Importer:
    """A house whose DAG folder is served."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=self.house.environ, stderr=subprocess.DEVNULL
        )
        return self.process

    def write(self, name: str, text: str) -> None:
        """As an editor does it: beside, and then in its place."""
        path = self.house.dags / name
        beside = path.with_name(path.name + "~")
        beside.write_text(text)
        beside.rename(path)

    def until(self, what: object, seconds: float = 15.0) -> float:
        """Seconds until something is so."""
        began = time.monotonic()
        while not what():  # type: ignore[operator]
            assert time.monotonic() - began < seconds, "it did not happen"
            time.sleep(0.005)
        return time.monotonic() - began

    def version(self, dag_id: str) -> int:
        return len(self.house.system.dags.versions(dag_id))

    def children(self) -> dict[int, str]:
        return processes_of(self.process.pid)

    def gone(self, pids: set[int]) -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture
def importer(house: House) -> Iterator[Importer]:
    (house.home / "up.log").touch()
    house.environ["TRADEWIND__IMPORTING__REFRESH_SECONDS"] = "1"
    house.write("first.py", GOOD.format("first"))
    made = Importer(house)
    made.until(lambda: house.has_dag("first"))
    yield made
    made.process.kill()
    made.process.wait()


def test_a_saved_file_is_seen_well_within_a_second(importer: Importer) -> None:
    took = []
    for number in range(5):
        importer.write("new.py", GOOD.format("new") + f"# {number}\n")
        took.append(importer.until(lambda number=number: importer.version("new") == number + 1))
    print(f"save to stored version: {[f'{one * 1000:.0f} ms' for one in took]}")
    assert sorted(took)[2] < 1.0


def test_a_folder_that_is_written_to_all_the_time_is_looked_at_all_the_same(importer: Importer) -> None:
    importer.write("new.py", GOOD.format("new"))

    def noise() -> bool:
        (importer.house.dags / "noise.log").write_text("x")
        return importer.house.has_dag("new")

    assert importer.until(noise) < 3.0


def test_a_module_below_an_ignored_folder_is_watched(importer: Importer) -> None:
    importer.house.dags.joinpath("lib").mkdir()
    importer.write("lib/naming.py", "name = 'before'\n")
    importer.write(".tradewindignore", "lib/\n")
    importer.write("new.py", "from lib import naming\n" + GOOD.format("new"))
    importer.until(lambda: importer.version("new") == 1)
    importer.write("lib/naming.py", "name = 'after'\n")
    importer.until(lambda: importer.version("new") == 2)


def test_a_changed_variable_is_noticed_at_the_refresh(importer: Importer) -> None:
    importer.house.system.variables.set("v", "x")
    text = GOOD.format("new").replace("task_id='only'", "task_id=Variable.get('v')")
    importer.write("new.py", text)
    importer.until(lambda: importer.version("new") == 1)
    importer.house.system.variables.set("v", "y")
    importer.until(lambda: importer.version("new") == 2)
    time.sleep(2.5)
    assert importer.version("new") == 2


def test_chance_makes_no_version_at_the_refresh(importer: Importer) -> None:
    importer.write("new.py", "import uuid\n" + GOOD.format("new").replace("'only'", "'t' + uuid.uuid4().hex"))
    importer.until(lambda: importer.house.system.imports.warnings("new"))
    time.sleep(2.5)
    assert importer.version("new") == 1


def test_servers_that_are_killed_are_replaced(importer: Importer) -> None:
    importer.write("slow.py", "import time\ntime.sleep(0.5)\n" + GOOD.format("slow"))
    time.sleep(0.3)
    servers = [pid for pid in importer.children() if os.getpgid(pid) == os.getpgid(importer.process.pid)]
    assert servers
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    importer.until(lambda: importer.house.has_dag("slow"))
    importer.write("new.py", GOOD.format("new"))
    importer.until(lambda: importer.house.has_dag("new"))
    assert importer.house.system.imports.errors() == []


def test_a_killed_processor_leaves_nothing_and_its_successor_goes_on(importer: Importer) -> None:
    importer.write("slow.py", "import time\ntime.sleep(1)\n" + GOOD.format("slow"))
    time.sleep(0.5)
    left = set(importer.children())
    importer.process.kill()
    importer.process.wait()
    importer.until(lambda: importer.gone(left))
    assert importer.house.has_dag("first")
    assert not importer.house.has_dag("slow")
    importer.start()
    importer.until(lambda: importer.house.has_dag("slow"))
    assert importer.version("first") == 1


def test_sigterm_ends_it_at_once_with_all_its_processes(importer: Importer) -> None:
    importer.write("hangs.py", "import time\ntime.sleep(1000)\n" + GOOD.format("hangs"))
    importer.until(lambda: any("python" in name for name in importer.children().values()))
    time.sleep(0.3)
    left = set(importer.children())
    importer.process.terminate()
    assert importer.process.wait(5) == 0
    importer.until(lambda: importer.gone(left), seconds=2)
