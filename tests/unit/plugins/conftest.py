"""Plugins made for a test: distributions in a folder on ``sys.path``, as pip would leave them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install("acme", source)`` makes the distribution tradewind-acme, with its plugin in the module acme_plugin."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def put(
        name: str,
        source: str,
        *,
        version: str = "1.0",
        distribution: str | None = None,
        value: str | None = None,
    ) -> None:
        distribution = distribution or f"tradewind-{name}"
        module = distribution.replace("tradewind-", "").replace("-", "_") + "_plugin"
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[tradewind]\n{name} = {value or module}\n")

    yield put  # type: ignore[misc]
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(tmp_path) in str(
            sys.modules[module].__file__
        ):
            del sys.modules[module]
