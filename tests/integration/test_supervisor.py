"""The supervisor of ``up``: members that come and go by themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

SCRIPT = """
import os, signal, sys
from tradewind.app.supervisor import Member, Supervisor, forked

def visit():
    with open(sys.argv[1], "a") as file:
        file.write("here\\n")
    if len(open(sys.argv[1]).readlines()) == 3:
        os.kill(os.getppid(), signal.SIGTERM)
    return 0

def start():
    return forked(visit, "visitor")

sys.exit(Supervisor([Member("visitor", start, every=0.01)]).run(lambda: print("up", flush=True)))
"""


def test_a_member_that_is_meant_to_end_comes_again_and_nobody_is_alarmed(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "visits")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "up\n", "")
    assert (tmp_path / "visits").read_text().splitlines() == ["here"] * 3
