"""Where the facts measured on Airflow are: they are read from there, and skipped by name where they are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def conformance_folder() -> Path | None:
    """``$TRADEWIND_CONFORMANCE``, or ``shared/conformance`` beside the repository."""
    named = os.environ.get("TRADEWIND_CONFORMANCE")
    folder = Path(named) if named else ROOT.parent / "shared" / "conformance"
    return folder if folder.is_dir() else None


def conformance_cases(file: str) -> list[dict[str, Any]]:
    """The cases of a file; empty where the folder is absent."""
    folder = conformance_folder()
    if folder is None or not (folder / file).is_file():
        return []
    cases: list[dict[str, Any]] = json.loads((folder / file).read_text(encoding="utf-8"))["cases"]
    return cases
