"""``tradewind run`` in odd surroundings: locales, limits, variables that are missing or mad, folders that are odd."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from house import House

pytestmark = pytest.mark.integration

DAG_FILE = """
# Ça va
from datetime import timedelta

from tradewind import DAG, EmptyOperator, task

with DAG("odd", description="Malmö 日本"):

    @task
    def first():
        print("Malmö 日本 🎉")
        return "Malmö 日本 🎉"

    @task(retries=1, retry_delay=timedelta(0))
    def second(value, ti):
        assert value == "Malmö 日本 🎉" or not __debug__
        if ti.try_number == 1:
            raise ValueError("naïve")

    second(first()) >> EmptyOperator(task_id="end")
"""


def run(house: House, environ: dict[str, str | None], **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the file; variables that are ``None`` are taken away."""
    file = house.write("odd.py", DAG_FILE)
    given = {key: value for key, value in {**house.environ, **environ}.items() if value is not None}
    words = [sys.executable, "-m", "tradewind", "run", str(file), "--output", "json", "--run-id", "r"]
    return subprocess.run(words, env=given, capture_output=True, timeout=60, check=False, **more)


def check(house: House, ended: subprocess.CompletedProcess[bytes]) -> None:
    assert ended.returncode == 0, ended
    assert json.loads(ended.stdout)["state"] == "success"
    assert b"Traceback" not in ended.stderr
    log = house.home / "logs" / "odd" / "r" / "first" / "1.log"
    assert "Malmö 日本 🎉\n" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"PYTHONOPTIMIZE": "2"}, id="without assert and docstrings"),
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="locale C"),
        pytest.param({"LC_ALL": "tr_TR.UTF-8", "PYTHONIOENCODING": "latin-1"}, id="Turkish and Latin-1"),
        pytest.param({"TZ": "Nowhere/Land"}, id="unknown zone"),
        pytest.param({"TZ": "America/St_Johns"}, id="zone of half an hour"),
        pytest.param({"HOME": None, "USER": None, "LOGNAME": None, "PATH": ""}, id="nobody, nowhere"),
        pytest.param({"TMPDIR": "/no/such/folder"}, id="no folder for temporary files"),
        pytest.param({"PYTHONWARNINGS": "error"}, id="warnings are errors"),
        pytest.param({"PYTHONHASHSEED": "0", "PYTHONDEVMODE": "1"}, id="development mode"),
        pytest.param({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}, id="no byte code"),
    ],
)
def test_any_environment_will_do(house: House, environ: dict[str, str | None]) -> None:
    check(house, run(house, environ))


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def no_core_and_tight_mask() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o277)


@pytest.mark.parametrize("before", [few_files, no_core_and_tight_mask])
def test_any_process_will_do(house: House, before: Callable[[], None]) -> None:
    check(house, run(house, {}, preexec_fn=before))


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_streams_that_are_closed_will_do(house: House, closed: tuple[int, ...]) -> None:
    file = house.write("odd.py", DAG_FILE)
    words = " ".join(f"{descriptor}>&-" for descriptor in closed)
    line = f'exec "{sys.executable}" -m tradewind run "{file}" --run-id r {words}'
    ended = subprocess.run(
        ["sh", "-c", line], env=house.environ, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended
    log = house.home / "logs" / "odd" / "r" / "first" / "1.log"
    assert "Malmö 日本 🎉\n" in log.read_text(encoding="utf-8")


def test_a_working_folder_that_is_gone_will_do(house: House, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    check(house, run(house, {}, cwd=gone, preexec_fn=lambda: shutil.rmtree(gone)))


def test_a_home_behind_a_link_with_odd_letters_will_do(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "häuser & 'höfe' % {run_id} $HOME #1"
    link.symlink_to(tmp_path / "real")
    house = House(link)
    try:
        check(house, run(house, {}))
    finally:
        house.close()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("TRADEWIND__CORE__PARALELISM", "3", "Did you mean TRADEWIND__CORE__PARALLELISM?"),
        ("TRADEWIND__CORE__PARALLELISM", "", "is empty and changes nothing"),
    ],
)
def test_a_variable_that_changes_nothing_is_warned_of(
    house: House, setting: str, value: str, told: str
) -> None:
    ended = run(house, {setting: value})
    check(house, ended)
    assert f"warning: ${setting}" in ended.stderr.decode()
    assert told in ended.stderr.decode()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"TRADEWIND__CORE__PARALLELISM": "many"}, "TRADEWIND__CORE__PARALLELISM"),
        ({"TRADEWIND__CORE__EXECUTOR": "celery"}, "celery"),
        ({"TRADEWIND__DATABASE__URL": "oracle://x"}, "oracle"),
        ({"TRADEWIND_HOME": "/dev/null/home"}, "/dev/null"),
    ],
)
def test_a_setting_that_cannot_be_is_told_before_anything_runs(
    house: House, settings: dict[str, str | None], told: str
) -> None:
    ended = run(house, settings)
    assert ended.returncode in (1, 2, 3), ended
    assert told in json.loads(ended.stdout)["error"]["message"]
    assert b"Traceback" not in ended.stderr
    assert not (house.home / "logs" / "odd").exists()
