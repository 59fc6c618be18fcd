"""A task that fails sends its mail, by the processes that run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

DAG_FILE = """
from tradewind import DAG, task

with DAG("sales"):

    @task(email="me@example.com")
    def load():
        raise ValueError("no such city")

    load()
"""


def test_a_task_that_fails_sends_mail(server: Any, tmp_path: Path) -> None:
    file = tmp_path / "sales.py"
    file.write_text(DAG_FILE)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("TRADEWIND")}
    environ["TRADEWIND_HOME"] = str(tmp_path / "home")

    def tradewind(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tradewind", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    uri = f"smtp://127.0.0.1:{server.port}?disable_ssl=true&disable_tls=true&from_email=tw@example.com"
    added = tradewind("connections", "add", "smtp_default", "--conn-uri", uri)
    assert added.returncode == 0, added.stderr
    assert tradewind("run", str(file)).returncode == 1
    ((receivers, mail),) = server.mails
    assert receivers == ["me@example.com"]
    assert mail["Subject"].startswith("[Tradewind] sales.load is failed: run manual__")
    assert "ValueError: no such city" in mail.get_content()
    (row,) = json.loads(tradewind("callbacks", "list", "--output", "json").stdout)
    assert (row["callback"], row["state"]) == ("email_on_failure", "success")
