"""A folder of DAG files, checked as one's own CI would."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.errors import NotFound
from tradewind.testing import DagBag, run_dag

pytestmark = pytest.mark.integration

GOOD = """
from tradewind import DAG, task
from answer_of_the_bag import ANSWER

with DAG("good"):
    @task
    def t():
        return ANSWER
    t()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "answer_of_the_bag.py").write_text("ANSWER = 42\n")
    (tmp_path / "good.py").write_text(GOOD)
    return tmp_path


def test_dags_are_there_by_id_and_can_be_run(folder: Path) -> None:
    bag = DagBag(folder)

    assert bag.import_errors == []
    assert list(bag) == ["good"]
    assert [one.task_id for one in bag["good"].tasks] == ["t"]
    assert run_dag(bag.load("good"))["t"].result == 42
    with pytest.raises(NotFound, match="good"):
        bag["god"]


def test_a_file_that_cannot_be_imported_is_named_with_its_line_and_hurts_no_other(folder: Path) -> None:
    (folder / "bad.py").write_text("from tradewind import DAG\n\n1 / 0\n")

    bag = DagBag(folder)

    assert list(bag) == ["good"]
    (error,) = bag.import_errors
    assert error.where == "bad.py:3"
    assert "ZeroDivisionError" in error.message
    assert "1 / 0" in error.traceback


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        DagBag(tmp_path / "nowhere")
