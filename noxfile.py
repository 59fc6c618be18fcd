"""The jobs: what makes or measures something. The gates that a change must pass are in tox.ini.

``nox -s new_provider -- NAME``, ``nox -s provider_alone -- NAME``, ``nox -s bench``,
``nox -s simulate``, ``nox -s build``, ``nox -s release``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nox

ROOT = Path(__file__).parent
TEMPLATE = ROOT / "providers" / "_template"
PLACEHOLDER = "provider_name"
nox.options.default_venv_backend = "uv"
nox.options.sessions = []

_VERSION = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)


@nox.session(python=False)
def new_provider(session: nox.Session) -> None:
    """Make providers/NAME from the template, and add it to the lists of tox.ini and pyproject.toml."""
    name = _one_name(session)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        session.error(f"{name!r} is no name for a provider: use small letters, digits and '_'")
    target = ROOT / "providers" / name
    if target.exists():
        session.error(f"{target.relative_to(ROOT)} is there already")
    shutil.copytree(TEMPLATE, target)
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file():
            path.write_text(path.read_text().replace(PLACEHOLDER, name))
        if PLACEHOLDER in path.name:
            path.rename(path.with_name(path.name.replace(PLACEHOLDER, name)))
    _list_provider(name)
    session.log(f"providers/{name} is ready; `uv sync --all-packages` installs it")


@nox.session
def provider_alone(session: nox.Session) -> None:
    """Run a provider's tests with nothing installed but its wheel, the core's and what they ask for."""
    name = _one_name(session)
    session.install("-c", "constraints.txt", "pytest", "pytest-timeout", "./core", f"./providers/{name}")
    session.run("pytest", f"providers/{name}/tests")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure every budget; arguments behind ``--`` go to the benchmarks."""
    providers = [f"./providers/{path.name}" for path in _providers()]
    session.install("-c", "constraints.txt", "psutil", "pandas", "./core", *providers)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """Play seeds of the simulator; arguments behind ``--`` go to it: ``--seeds 10000``, ``--seed 7 --story``."""
    session.install("-c", "constraints.txt", "./core")
    session.run("python", "-m", "tests.simulation", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build a wheel of every package into dist/."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--all-packages", "--wheel", "--out-dir", "dist", external=True)


@nox.session
def release(session: nox.Session) -> None:
    """Check that the versions fit together, build, and install the wheels into an empty environment.

    Uploading is left to whoever holds the keys.
    """
    core = _version_in(ROOT / "core")
    for provider in _providers():
        wanted = re.search(
            r'"tradewind>=(?P<low>[\d.]+),<(?P<high>[\d.]+)"', (provider / "pyproject.toml").read_text()
        )
        if wanted is None:
            session.error(f"{provider.name} does not say which versions of tradewind it works with")
        if not _numbers(wanted["low"]) <= _numbers(core) < _numbers(wanted["high"]):
            session.error(f"{provider.name} wants tradewind {wanted.group()}, but the core is {core}")
        session.log(f"{provider.name} {_version_in(provider)} fits tradewind {core}")
    build(session)
    wheels = sorted(str(path) for path in (ROOT / "dist").glob("*.whl") if "example" not in path.name)
    session.install("-c", "constraints.txt", *wheels)
    session.run("tradewind", "--version")


def _one_name(session: nox.Session) -> str:
    if len(session.posargs) != 1:
        session.error(f"name one provider: nox -s {session.name} -- NAME")
    return session.posargs[0]


def _providers() -> list[Path]:
    return sorted(path.parent for path in ROOT.glob("providers/*/pyproject.toml") if path.parent != TEMPLATE)


def _version_in(package: Path) -> str:
    (module,) = package.glob("src/*/__init__.py")
    found = _VERSION.search(module.read_text())
    assert found, f"{module} has no __version__"
    return found["version"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _list_provider(name: str) -> None:
    """tox and import-linter take no globs, so these files name each provider; tests compare them with the folder."""
    tox, project = ROOT / "tox.ini", ROOT / "pyproject.toml"
    tox.write_text(
        tox.read_text().replace(
            "    -e ./plugins_example\n", f"    -e ./providers/{name}\n    -e ./plugins_example\n"
        )
    )
    text = project.read_text()
    text = text.replace(
        '"plugins_example/src"]\npackages', f'"providers/{name}/src", "plugins_example/src"]\npackages'
    )
    project.write_text(text.replace('"tradewind_example"]', f'"tradewind_{name}", "tradewind_example"]'))
