"""Where the repository is, and its packages."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def providers(root: Path) -> list[Path]:
    """The folders of the providers that are installed, the example among them."""
    found = [
        path.parent for path in root.glob("providers/*/pyproject.toml") if path.parent.name != "_template"
    ]
    return [*sorted(found), root / "plugins_example"]
