"""The store keeps step with the DAG folder: each round looks at the folder once and imports what changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House

from tradewind.app.importing import StoreSink, answers, import_folder, import_options
from tradewind.importing.processor import DagProcessor

pytestmark = pytest.mark.integration


def dag(
    dag_id: str = "a", more: str = "", tasks: str = "EmptyOperator(task_id='only')", before: str = ""
) -> str:
    return f"from tradewind import DAG, EmptyOperator, Variable\n{before}\nwith DAG('{dag_id}'{more}):\n    {tasks}\n"


class Folder:
    """A DAG folder with a processor that works when it is told to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.system = house.system
        self.path = house.dags
        self.processor = self._processor()

    def _processor(self) -> DagProcessor:
        return DagProcessor(
            import_options(self.system, self.path), StoreSink(self.system, self.path), answers(self.system)
        )

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def round(self) -> None:
        self.processor.import_all()

    def again(self) -> None:
        """Import everything, changed or not, as the refresh does."""
        self.processor.close()
        self.processor = self._processor()
        self.round()

    def live(self) -> dict[str, str]:
        """DAG → file."""
        return {row.dag_id: row.file for row in self.system.dags.find()}

    def errors(self) -> dict[str, str]:
        return {row.file: row.message for row in self.system.imports.errors()}

    def versions(self, dag_id: str = "a") -> int:
        return len(self.system.dags.versions(dag_id))

    def warnings(self, dag_id: str = "a") -> list[str]:
        return [row.message for row in self.system.imports.warnings(dag_id)]

    def announced(self) -> list[str]:
        return [row.dag_id for row in self.system.commands.open_commands(limit=1000)]


@pytest.fixture
def folder(house: House) -> Iterator[Folder]:
    house.environ["TRADEWIND__IMPORTING__TIMEOUT_SECONDS"] = "2"
    made = Folder(house)
    yield made
    made.processor.close()


def test_what_is_new_is_imported_and_announced(folder: Folder) -> None:
    folder.write("one.py", dag("a"))
    folder.write("deep/down/two.py", dag("b"))
    folder.write("helper.py", "x = 1\n")
    folder.round()
    assert folder.live() == {"a": "one.py", "b": "deep/down/two.py"}
    assert sorted(folder.announced()) == ["a", "b"]
    assert folder.errors() == {}


def test_only_what_changed_is_imported_again(folder: Folder) -> None:
    folder.write("one.py", dag("a"))
    folder.write("two.py", dag("b"))
    folder.round()
    before = folder.system.dags.get("b").imported_at
    folder.write("one.py", dag("a", ", tags=['x']"))
    folder.round()
    assert folder.versions() == 2
    assert folder.system.dags.get("b").imported_at == before
    assert sorted(folder.announced()) == ["a", "a", "b"]


def test_importing_again_without_a_change_makes_no_version(folder: Folder) -> None:
    folder.write("one.py", dag("a"))
    folder.round()
    folder.again()
    folder.again()
    assert folder.versions() == 1
    assert folder.announced() == ["a"]


def test_a_file_that_goes_takes_its_dags_along_and_comes_back(folder: Folder) -> None:
    path = folder.write("one.py", dag("a"))
    folder.round()
    path.unlink()
    folder.round()
    assert folder.live() == {}
    assert folder.system.dags.current_version("a").number == 1
    assert folder.announced() == ["a", "a"]
    folder.write("one.py", dag("a"))
    folder.round()
    assert (folder.live(), folder.versions()) == ({"a": "one.py"}, 1)


def test_a_renamed_file_keeps_its_dag(folder: Folder) -> None:
    path = folder.write("one.py", dag("a"))
    folder.round()
    path.rename(folder.path / "other.py")
    folder.round()
    assert folder.live() == {"a": "other.py"}


def test_a_dag_that_its_file_drops_becomes_stale(folder: Folder) -> None:
    folder.write("one.py", dag("a") + dag("b"))
    folder.round()
    folder.write("one.py", dag("b"))
    folder.round()
    assert folder.live() == {"b": "one.py"}


def test_a_dag_id_that_another_file_has_is_an_error_until_it_is_free(folder: Folder) -> None:
    first = folder.write("one.py", dag("a"))
    folder.round()
    folder.write("two.py", dag("a", ", tags=['second']") + dag("b"))
    folder.round()
    assert folder.live() == {"a": "one.py", "b": "two.py"}
    assert list(folder.errors()) == ["two.py"]
    assert "one.py" in folder.errors()["two.py"]
    assert "two.py" in folder.errors()["two.py"]
    first.unlink()
    folder.round()
    assert folder.live() == {"a": "two.py", "b": "two.py"}
    assert folder.errors() == {}


def test_a_broken_file_keeps_its_last_good_version_until_it_is_fixed(folder: Folder) -> None:
    folder.write("one.py", dag("a"))
    folder.round()
    folder.write("one.py", dag("a") + "dag = (\n")
    folder.round()
    assert folder.live() == {"a": "one.py"}
    assert folder.system.imports.errors()[0].line == 5
    folder.write("one.py", dag("a", ", tags=['fixed']"))
    folder.round()
    assert folder.errors() == {}
    assert folder.versions() == 2


def test_a_broken_file_that_goes_leaves_no_error(folder: Folder) -> None:
    path = folder.write("one.py", "import tradewind, no_dag_here\n")
    folder.round()
    assert list(folder.errors()) == ["one.py"]
    path.unlink()
    folder.round()
    assert folder.errors() == {}


@pytest.mark.parametrize("before", ["name = 'a'\n", "while True: pass\n", "import no_such_module\n"])
def test_a_changed_module_brings_the_dags_that_use_it(folder: Folder, before: str) -> None:
    folder.write("lib/naming.py", before)
    folder.write("one.py", dag("a", before="from lib import naming"))
    folder.write("two.py", dag("b"))
    folder.round()
    second = folder.system.dags.get("b").imported_at
    folder.write("lib/naming.py", "name = 'changed'\n")
    folder.round()
    assert "lib/naming.py" in [file.path for file in folder.system.dags.current_version("a").files]
    assert folder.versions() == (2 if before.startswith("name") else 1)
    assert folder.errors() == {}
    assert folder.system.dags.get("b").imported_at == second


def test_a_module_that_appears_mends_the_file_that_missed_it(folder: Folder) -> None:
    folder.write("one.py", dag("a", before="import naming"))
    folder.round()
    assert "naming" in folder.errors()["one.py"]
    folder.write("naming.py", "name = 'a'\n")
    folder.round()
    assert (folder.live(), folder.errors()) == ({"a": "one.py"}, {})


def test_a_dag_built_from_a_listing_follows_the_folder(folder: Folder) -> None:
    folder.write("tables/x.txt", "")
    folder.write(
        "one.py",
        dag(
            before="import os\nnames = sorted(os.listdir(os.path.join(os.path.dirname(__file__), 'tables')))",
            tasks="[EmptyOperator(task_id=name[0]) for name in names]",
        ),
    )
    folder.round()
    folder.write("tables/y.txt", "")
    folder.round()
    tasks = [task.task_id for task in folder.system.dags.current_version("a").spec.tasks]
    assert tasks == ["x", "y"]


def test_ignore_files_take_files_out_and_back_in(folder: Folder) -> None:
    folder.write("one.py", dag("a"))
    folder.write("drafts/two.py", dag("b"))
    folder.write("three_test.py", dag("c"))
    ignore = folder.write(".tradewindignore", "drafts/\n*_test.py\n")
    folder.round()
    assert folder.live() == {"a": "one.py"}
    ignore.write_text("*_test.py\n")
    folder.round()
    assert folder.live() == {"a": "one.py", "b": "drafts/two.py"}
    ignore.write_text("one.py\n")
    folder.round()
    assert folder.live() == {"b": "drafts/two.py", "c": "three_test.py"}


def test_links_that_lead_in_a_circle_end(folder: Folder, tmp_path: Path) -> None:
    folder.write("deep/one.py", dag("a"))
    (folder.path / "deep" / "loop").symlink_to(folder.path)
    (folder.path / "self.py").symlink_to("self.py")
    (folder.path / "nowhere.py").symlink_to("missing.py")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "two.py").write_text(dag("b"))
    (folder.path / "linked").symlink_to(outside)
    folder.round()
    assert folder.live() == {"a": "deep/one.py", "b": "linked/two.py"}
    assert folder.errors() == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(folder: Folder) -> None:
    folder.write("one.py", dag("a")).chmod(0)
    folder.round()
    assert "Permission denied" in folder.errors()["one.py"]


def test_a_folder_that_cannot_be_listed_for_a_while_keeps_its_dags(folder: Folder) -> None:
    folder.write("team/one.py", dag("a"))
    folder.round()
    (folder.path).rename(folder.path.with_name("away"))
    folder.round()
    assert folder.live() == {"a": "team/one.py"}
    folder.path.with_name("away").rename(folder.path)
    folder.round()
    assert folder.live() == {"a": "team/one.py"}


CHANCE = {
    "clock": dag(more=", start_date=datetime.datetime.now(datetime.UTC)", before="import datetime"),
    "dice": dag(more=", description=str(random.random())", before="import random"),
    "ids": dag(tasks="EmptyOperator(task_id='t' + uuid.uuid4().hex)", before="import uuid"),
}


@pytest.mark.parametrize("kind", CHANCE)
def test_chance_makes_no_version_but_a_warning(folder: Folder, kind: str) -> None:
    folder.write("one.py", CHANCE[kind])
    folder.round()
    before = folder.system.dags.current_version("a").spec
    folder.again()
    folder.again()
    assert folder.versions() == 1
    assert folder.system.dags.current_version("a").spec == before
    [warning] = folder.warnings()
    path = {"clock": "start_date", "dice": "description", "ids": "tasks"}[kind]
    assert warning.startswith(f"{path} differs from import to import")
    assert " then " in warning


def test_a_changed_file_gets_its_version_whatever_chance_does(folder: Folder) -> None:
    folder.write("one.py", CHANCE["dice"])
    folder.round()
    folder.write("one.py", CHANCE["dice"] + "# changed\n")
    folder.round()
    assert folder.versions() == 2


def test_the_order_of_a_set_makes_no_version_in_another_process(house: House) -> None:
    names = [f"task_{number}" for number in range(20)]
    house.write("one.py", dag(tasks=f"[EmptyOperator(task_id=name) for name in set({names})]"))
    for seed in ("1", "2", "3"):
        command = "from tradewind.app import importing, system; importing.import_folder(system.System())"
        environ = {**house.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", command], env=environ, check=True)
    assert len(house.system.dags.versions("a")) == 1
    [warning] = house.system.imports.warnings("a")
    assert warning.message.startswith("tasks differs")


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (dag(tasks="[EmptyOperator(task_id=name) for name in Variable.get('v').split()]"), "x", "x y"),
        (dag(tasks="[EmptyOperator(task_id=name) for name in Variable.get('v').split()]"), "x y", "y x"),
        (
            dag(
                more=", start_date=datetime.datetime.fromisoformat(Variable.get('v'))",
                before="import datetime",
            ),
            "2026-01-01T00:00:00+00:00",
            "2026-02-01T00:00:00+00:00",
        ),
    ],
)
def test_a_dag_built_from_a_variable_follows_it(folder: Folder, text: str, first: str, second: str) -> None:
    folder.system.variables.set("v", first)
    folder.write("one.py", text)
    folder.round()
    folder.again()
    assert folder.versions() == 1
    folder.system.variables.set("v", second)
    folder.again()
    folder.again()
    assert (folder.versions(), folder.warnings()) == (2, [])


def test_a_file_that_ends_its_server_is_named_in_the_end(folder: Folder) -> None:
    folder.write("one.py", "import os\nos.kill(os.getppid(), 9)\nimport tradewind  # DAG\n")
    folder.write("two.py", dag("b"))
    folder.round()
    assert "process that watches over imports was ended" in folder.errors()["one.py"]
    assert folder.live() == {"b": "two.py"}


def test_a_server_that_is_killed_in_the_middle_is_replaced_and_the_file_is_imported(
    folder: Folder, tmp_path: Path
) -> None:
    once = tmp_path / "once"
    before = f"import os\nif not os.path.exists({str(once)!r}):\n    os.mkdir({str(once)!r})\n    os.kill(os.getppid(), 9)"
    folder.write("one.py", dag("a", before=before))
    folder.round()
    assert once.exists()
    assert (folder.live(), folder.errors()) == ({"a": "one.py"}, {})


def test_two_hundred_files_take_few_milliseconds_each(folder: Folder) -> None:
    tasks = "[EmptyOperator(task_id=f't{n}') for n in range(20)]"
    for number in range(200):
        folder.write(f"dag_{number}.py", dag(f"dag_{number}", tasks=tasks))
    folder.round()
    folder.processor.close()
    began = time.perf_counter()
    import_folder(folder.system)
    took = time.perf_counter() - began
    assert len(folder.live()) == 200
    print(f"{took / 200 * 1000:.1f} ms a file")
    assert took / 200 < 0.05  # 5 ms on an idle machine; this one may be busy
