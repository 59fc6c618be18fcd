"""The manual's walk through a first failure: see it fail, read why, mend it, clear it, see it succeed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from house import House

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_rocket_pipeline_fails_says_why_and_succeeds_once_it_is_cleared(
    house: House, tmp_path: Path
) -> None:
    pytest.importorskip("tradewind_standard", reason="the example uses the standard provider")
    port = _free_port()
    shutil.copy(EXAMPLES / "rocket_launches.py", house.dags)
    house.up()
    house.until(lambda: house.has_dag("rocket_launches"))
    url = f"http://127.0.0.1:{port}/launches"
    assert house.tradewind("variables", "set", "rocket_launches_url", url).returncode == 0
    assert house.tradewind("variables", "set", "example_folder", str(tmp_path / "out")).returncode == 0
    assert house.tradewind("dags", "unpause", "rocket_launches").returncode == 0

    run_id = house.until(
        lambda: next((row.info.run_id for row in house.system.runs.find() if row.state == "failed"), None)
    )
    assert run_id.startswith("scheduled__")
    states = house.tradewind("tasks", "states", "rocket_launches", run_id).stdout
    assert [line.split()[:2] for line in states.splitlines()[1:4]] == [
        ["download_launches", "failed"],
        ["get_pictures", "upstream_failed"],
        ["notify", "upstream_failed"],
    ]
    log = house.tradewind("tasks", "logs", "rocket_launches", run_id, "download_launches").stdout
    assert "Couldn't connect to server" in log
    assert "Attempt ended: failed" in log.splitlines()[-1]
    why = house.tradewind("tasks", "why", "rocket_launches", run_id, "notify").stdout
    assert "download_launches" in why

    server = [sys.executable, str(EXAMPLES / "rocket_server.py"), "--port", str(port)]
    with subprocess.Popen(server, stdout=subprocess.PIPE, env=house.environ) as serving:
        try:
            assert serving.stdout is not None
            serving.stdout.readline()  # it serves when it says so
            cleared = house.tradewind("runs", "clear", "rocket_launches", run_id, "--yes")
            assert cleared.returncode == 0, cleared.stderr
            house.until(lambda: house.system.runs.get("rocket_launches", run_id).state == "success")
        finally:
            serving.terminate()

    run = house.system.runs.get("rocket_launches", run_id)
    tries = {it.task_id: it.try_number for it in house.system.runs.task_instances(run.pk)}
    assert tries == {"download_launches": 2, "get_pictures": 1, "notify": 1}
    notify = house.tradewind("tasks", "logs", "rocket_launches", run_id, "notify").stdout
    assert "There are 4 pictures now." in notify
