"""What it costs to import Tradewind, to ask for help, and to install it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Options, median
from benchmarks.processes import cost_of, environment

ROOT = Path(__file__).resolve().parents[1]


def measure(options: Options) -> Iterator[Figure]:
    """CPU of fresh interpreters; the bare one beside them, since every command pays it."""
    count = options.samples(7)
    tradewind = shutil.which("tradewind", path=str(Path(sys.executable).parent))
    commands: list[tuple[str, list[str], float | None]] = [
        ("python -c pass", [sys.executable, "-c", "pass"], None),
        ("import tradewind", [sys.executable, "-c", "import tradewind"], 60),
        (
            "import of what a DAG file uses",
            [sys.executable, "-c", "from tradewind import DAG, PythonOperator, task"],
            None,
        ),
        (
            "tradewind --help",
            [tradewind or sys.executable, *([] if tradewind else ["-m", "tradewind"]), "--help"],
            100,
        ),
    ]
    for name, command, budget in commands:
        cost_of(command)  # byte code and the disk's cache
        costs = [cost_of(command).cpu * 1000 for _ in range(count)]
        yield Figure(what="start, CPU", variant=name, value=median(costs), unit="ms", budget=budget, n=count)


def measure_install(options: Options) -> Iterator[Figure]:
    """Distributions and megabytes, byte code left out, of an environment with the core, and with the standard provider."""
    uv = shutil.which("uv")
    if uv is None and importlib.util.find_spec("uv"):
        uv = str(importlib.import_module("uv").find_uv_bin())
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as name:
        venv = Path(name) / "venv"
        create = (
            [uv, "venv", "-q", "-p", sys.executable]
            if uv
            else [sys.executable, "-m", "venv", "--without-pip"]
        )
        subprocess.run([*create, str(venv)], check=True, env=environment())
        python = venv / "bin" / "python"
        install = [uv, "pip", "install", "-q", "--no-sources", "-p", str(python)] if uv else [
            *(sys.executable, "-m", "pip", "--python", str(python), "install", "-q"),
        ]  # fmt: skip
        for variant, folder in (("core", "core"), ("core + standard", "providers/standard")):
            packages = [str(ROOT / "core"), str(ROOT / folder)] if folder != "core" else [str(ROOT / "core")]
            subprocess.run([*install, *packages], check=True, env=environment(), capture_output=True)
            (site,) = (venv / "lib").glob("python*/site-packages")
            files = [path for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc"]
            known = {path.name.split("-")[0] for path in site.glob("*.dist-info")} - {"pip", "setuptools"}
            size = sum(path.stat().st_size for path in files) / 1e6
            yield Figure(what="installed", variant=f"{variant}, distributions", value=len(known), budget=25)
            yield Figure(
                what="installed", variant=f"{variant}, without byte code", value=size, unit="MB", budget=50
            )
