"""The examples of the manual's page on testing are tests that pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

PAGE = Path(__file__).resolve().parents[3] / "docs" / "testing.md"
_TEST = re.compile(r"^<!-- test -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_examples_pass(tmp_path: Path) -> None:
    examples = _TEST.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) >= 4
    for number, text in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(text, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=100,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
