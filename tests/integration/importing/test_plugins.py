"""Plugins have their say about DAGs, and the folder can be imported without anything running."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House

pytestmark = pytest.mark.integration

PLUGIN = """
import builtins
from tradewind.plugins import Problem, hookimpl

@hookimpl
def tradewind_check_dag(dag):
    if not dag.tags:
        yield Problem(message="Give it a tag.")
    for task in dag.tasks:
        if task.retries == 0:
            yield Problem(message="Let it be tried again.", severity="warning", task_id=task.task_id)

@hookimpl
def tradewind_prepare_import(event):
    builtins.prepared_for = event.process
"""
TAGGED = "from tradewind import DAG, EmptyOperator\nwith DAG('{}', tags=['x']):\n    EmptyOperator(task_id='only')\n"
UNTAGGED = TAGGED.replace(", tags=['x']", "")


@pytest.fixture
def plugin(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    info = folder / "tradewind_rules-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "rules_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tradewind-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tradewind]\nrules = rules_plugin\n")
    house.environ["PYTHONPATH"] = str(folder)


def test_the_folder_is_imported_without_a_scheduler(house: House) -> None:
    house.write("good.py", TAGGED.format("good"))
    house.write("bad.py", "import tradewind\nDAG\n")
    ended = house.tradewind("dags", "reserialize")
    assert ended.returncode == 1
    assert "1 DAGs" in ended.stderr + ended.stdout
    assert "bad.py:2: NameError" in ended.stderr + ended.stdout
    assert house.has_dag("good")
    (house.dags / "bad.py").unlink()
    assert house.tradewind("dags", "reserialize").returncode == 0
    assert house.system.imports.errors() == []


@pytest.mark.usefixtures("plugin")
def test_a_plugins_rule_keeps_a_dag_out_and_names_itself(house: House) -> None:
    house.write("one.py", UNTAGGED.format("untagged") + TAGGED.format("tagged"))
    house.tradewind("dags", "reserialize")
    assert house.has_dag("tagged")
    assert not house.has_dag("untagged")
    [error] = house.system.imports.errors()
    assert "DAG 'untagged' breaks a rule of plugin 'rules'" in error.message
    assert "Give it a tag." in error.message
    assert error.line == 2
    [warning] = house.system.imports.warnings("tagged")
    assert warning.kind == "plugin"
    assert "task 'only'" in warning.message
    assert "Let it be tried again." in warning.message


@pytest.mark.usefixtures("plugin")
def test_a_version_that_breaks_a_rule_does_not_take_the_place_of_the_good_one(house: House) -> None:
    house.write("one.py", TAGGED.format("a"))
    assert house.tradewind("dags", "reserialize").returncode == 0
    house.write("one.py", UNTAGGED.format("a"))
    assert house.tradewind("dags", "reserialize").returncode == 1
    assert house.has_dag("a")
    assert house.system.dags.current_version("a").spec.tags == ("x",)


@pytest.mark.usefixtures("plugin")
def test_plugins_get_the_process_ready_before_the_first_dag_file(house: House) -> None:
    house.write("one.py", TAGGED.format("a").replace("'a'", "f'a_{prepared_for}'"))
    house.tradewind("dags", "reserialize")
    assert house.has_dag("a_importer")
