"""The manual tells the truth: its DAG files run, its links lead somewhere, its table of settings is the settings'."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_RUN = re.compile(r"^<!-- run -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _dag_files() -> list[object]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _RUN.finditer(text):
            line = text[: match.start(1)].count("\n") + 1
            found.append(pytest.param(match[1], id=f"{page.relative_to(DOCS)}:{line}"))
    return found


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("text", _dag_files())
def test_a_dag_file_of_the_manual_runs(text: str, tmp_path: Path) -> None:
    file = tmp_path / "from_the_manual.py"
    # What the manual does in seconds need not take as long here.
    file.write_text(text.replace("retry_delay=timedelta(seconds=1)", "retry_delay=timedelta(seconds=0)"))
    ended = subprocess.run(
        [sys.executable, "-m", "tradewind", "run", str(file), "--output", "json"],
        env={**os.environ, "TRADEWIND_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["state"] == "success"


def test_the_manual_has_dag_files_to_run() -> None:
    assert len(_dag_files()) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_to_pages_and_headings_that_are_there(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        other = (page.parent / target).resolve() if target else page
        assert other.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in _anchors(other), f"{page.name} links to {link}"


def test_the_table_of_settings_is_complete() -> None:
    found = importlib.util.spec_from_file_location("settings_table", DOCS / "settings.py")
    assert found is not None
    assert found.loader is not None
    settings_table = importlib.util.module_from_spec(found)
    found.loader.exec_module(settings_table)
    assert (DOCS / "operating.md").read_text(encoding="utf-8") == settings_table.page_with_table(), (
        "run `python docs/settings.py`"
    )
