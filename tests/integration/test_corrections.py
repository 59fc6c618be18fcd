"""Runs that are corrected while the system is up: another version of their code, and teardowns of a run that was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House

from tradewind.model.commands import ClearTasks, MarkRun, TriggerRun
from tradewind.model.states import RunState, TaskState

pytestmark = pytest.mark.integration

FIRST = """
from pathlib import Path
from tradewind import DAG, task
from said import WORD

HERE = Path({folder!r})

with DAG("changing", max_active_runs=1):

    @task
    def slow():
        (HERE / "slow_began").touch()
        while not (HERE / "go").exists():
            pass
        (HERE / "slow_said").write_text(WORD)

    @task
    def broken():
        raise ValueError(WORD)

    slow()
    broken()
"""

SECOND = FIRST.replace("raise ValueError(WORD)", '(HERE / "mended").write_text(WORD)').replace(
    """    slow()
    broken()
""",
    """    @task
    def after():
        (HERE / "after").write_text(WORD)

    slow()
    broken() >> after()
""",
)


def test_a_run_keeps_its_code_until_it_is_cleared_for_the_newest(house: House, tmp_path: Path) -> None:
    (house.dags / "said.py").write_text("WORD = 'old'\n")
    house.write("changing.py", FIRST.format(folder=str(tmp_path)))
    house.up()
    house.until(lambda: house.has_dag("changing"))
    house.system.submit(TriggerRun(dag_id="changing", run_id="r", even_if_paused=True))
    house.until((tmp_path / "slow_began").exists)

    def states() -> dict[str, str | None]:
        run = house.system.runs.get("changing", "r")
        return {it.task_id: it.state for it in house.system.runs.task_instances(run.pk)}

    house.until(lambda: states()["broken"] == TaskState.FAILED)
    (house.dags / "said.py").write_text("WORD = 'new'\n")
    house.write("changing.py", SECOND.format(folder=str(tmp_path)))
    house.until(lambda: len(house.system.dags.current_version("changing").spec.tasks) == 3)

    house.system.command(ClearTasks(dag_id="changing", run_id="r", task_ids=("broken",)))
    house.until(lambda: states()["broken"] == TaskState.FAILED)
    assert not (tmp_path / "mended").exists()

    house.system.command(
        ClearTasks(dag_id="changing", run_id="r", task_ids=("broken",), run_on_latest_version=True)
    )
    house.until((tmp_path / "after").exists)
    (tmp_path / "go").touch()
    house.until(lambda: not house.open_runs())

    assert states() == {"slow": "success", "broken": "success", "after": "success"}
    assert (tmp_path / "mended").read_text() == (tmp_path / "after").read_text() == "new"
    assert (tmp_path / "slow_said").read_text() == "old"
    assert house.system.runs.get("changing", "r").state is RunState.SUCCESS


TEARDOWN = """
from pathlib import Path
from tradewind import DAG, setup, task, teardown

HERE = Path({folder!r})

with DAG("cluster"):

    @setup
    def create():
        return "cluster-1"

    @teardown
    def delete(name):
        (HERE / "deleted").write_text(name)

    @task
    def work():
        (HERE / "began").touch()
        while True:
            pass

    with delete(create()):
        work()
"""


def test_a_run_marked_failed_ends_its_work_and_runs_its_teardown(house: House, tmp_path: Path) -> None:
    house.write("cluster.py", TEARDOWN.format(folder=str(tmp_path)))
    house.up()
    house.until(lambda: house.has_dag("cluster"))
    house.system.submit(TriggerRun(dag_id="cluster", run_id="r", even_if_paused=True))
    house.until(lambda: _is_running(house, "work"))

    house.system.command(MarkRun(dag_id="cluster", run_id="r", state=RunState.FAILED))
    house.until(lambda: not house.open_runs())

    run = house.system.runs.get("cluster", "r")
    assert {it.task_id: it.state for it in house.system.runs.task_instances(run.pk)} == {
        "create": "success",
        "delete": "success",
        "work": "failed",
    }
    assert (run.state, (tmp_path / "deleted").read_text()) == (RunState.FAILED, "cluster-1")


def _is_running(house: House, task_id: str) -> bool:
    """Whether the task of the cluster's run is known to have begun."""
    runs = house.system.runs.find("cluster")
    found = house.system.runs.task_instances(runs[0].pk, task_id) if runs else []
    return [it.state for it in found] == [TaskState.RUNNING]
