"""Python environments that tasks run in: made with uv where it is on PATH, else with venv and pip, and kept if asked."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewind.errors import TradewindError
from tradewind_standard.command import Command

_SHOWN = 15  #: lines of a failed installer's output that go into the error


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an environment is made of.

    :param requirements: as pip takes them, one each.
    :param python: the version (``"3.12"``) or path of its Python; ``None``: this process's.
    :param options: for ``pip install``, which uv understands as well.
    """

    requirements: tuple[str, ...] = ()
    python: str | None = None
    system_site_packages: bool = False
    options: tuple[str, ...] = ()

    def digest(self) -> str:
        """The same for the same recipe on the same Python."""
        told = [
            sorted(self.requirements),
            self.python,
            self.system_site_packages,
            self.options,
            sys.executable,
            sys.version,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in ``folder``."""
    return folder / "bin" / "python"


def make(recipe: Recipe, folder: Path, command: Command) -> Path:
    """Make the environment in ``folder`` and return its interpreter.

    :raises tradewind.errors.TradewindError: with the last lines of what the installer said.
    """
    uv = shutil.which("uv")
    base = _interpreter(recipe.python)
    site = ["--system-site-packages"] if recipe.system_site_packages else []
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(folder)}
    bare = not recipe.requirements
    if uv:
        _run(command, [uv, "venv", "--quiet", "--no-project", f"--python={base}", *site, str(folder)], env)
        install = [uv, "pip", "install", f"--python={python_of(folder)}"]
    else:
        # Without anything to install, pip would only cost the seconds that it takes to put it there.
        _run(command, [base, "-m", "venv", *(["--without-pip"] if bare else []), *site, str(folder)], env)
        install = [str(python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check"]
    if not bare:
        listed = folder / "requirements.txt"
        listed.write_text("".join(f"{line}\n" for line in recipe.requirements))
        _run(command, [*install, "--requirement", str(listed), *recipe.options], env)
    return python_of(folder)


def cached(recipe: Recipe, cache: Path, command: Command) -> Path:
    """The interpreter of an environment of that recipe below ``cache``, made there if it is not there yet.

    Tasks that want the same one at the same time wait for each other; one that was left half made is made anew.
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"venv-{recipe.digest()}"
    finished = folder / "complete"
    with open(cache / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(recipe, folder, command)
            finished.touch()
    return python_of(folder)


def _interpreter(python: str | None) -> str:
    if python is None:
        return sys.executable
    if python in {
        f"{sys.version_info[0]}",
        f"{sys.version_info[0]}.{sys.version_info[1]}",
        sys.version.split()[0],
    }:
        return sys.executable
    found = shutil.which(python) or shutil.which(f"python{python}")
    if found is None:
        raise TradewindError(
            f"There is no Python {python!r} on PATH on this machine (python_version): install it where the task runs, "
            f"or give the path of an interpreter."
        )
    return found


def _run(command: Command, arguments: Sequence[str], env: Mapping[str, str]) -> None:
    ended = command.run(arguments, env=env)
    if ended.code != 0:
        said = "\n".join(ended.tail[-_SHOWN:])
        raise TradewindError(
            f"The environment could not be made: `{' '.join(arguments[:4])} ...` ended with {ended.reason}.\n{said}"
        )
