"""Every provider has the same shape, and listing it imports nothing of what it is for."""

import importlib.util
import shutil
import subprocess
import sys
import tomllib

import pytest

#: What a plugin.py may load beside the standard library.
ALLOWED = {"tradewind", "pluggy"}


def test_every_provider_has_the_same_shape(providers):
    for provider in providers:
        told = tomllib.loads((provider / "pyproject.toml").read_text())
        (package,) = (provider / "src").iterdir()
        short = package.name.removeprefix("tradewind_")

        assert told["project"]["name"] == f"tradewind-{short}"
        assert told["project"]["entry-points"] == {"tradewind": {short: f"{package.name}.plugin"}}
        assert any(one.startswith("tradewind>=") and ",<" in one for one in told["project"]["dependencies"])
        for file in ("README.md", f"src/{package.name}/py.typed", f"src/{package.name}/plugin.py", "tests"):
            assert (provider / file).exists(), f"{provider.name} has no {file}"


def test_listing_a_provider_imports_nothing_but_the_plugin_interface(providers):
    for provider in providers:
        (package,) = (provider / "src").iterdir()
        code = (
            f"import sys\nbefore = set(sys.modules)\nimport {package.name}.plugin as plugin\n"
            f"[getattr(plugin, name)() for name in vars(plugin).copy() if name.startswith('tradewind_register_')]\n"
            f"print(*{{name.partition('.')[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names))\n"
            f"print(*(name for name in sys.modules if name.startswith(('tradewind.', '{package.name}.'))))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        outside, inside = done.stdout.splitlines()

        assert set(outside.split()) <= {*ALLOWED, package.name}, provider.name
        layers = {name.split(".")[1] for name in inside.split() if name.startswith("tradewind.")}
        assert layers <= {"plugins", "errors", "model"}, provider.name
        assert {name for name in inside.split() if name.startswith(package.name)} == {
            f"{package.name}.plugin"
        }


def test_a_new_provider_made_from_the_template_is_complete(root, tmp_path, monkeypatch):
    pytest.importorskip("nox")
    for file in ("tox.ini", "pyproject.toml", "noxfile.py"):
        shutil.copy(root / file, tmp_path / file)
    shutil.copytree(root / "providers" / "_template", tmp_path / "providers" / "_template")

    done = subprocess.run(
        [sys.executable, "-m", "nox", "-s", "new_provider", "--", "redis"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    made = tmp_path / "providers" / "redis"
    assert "provider_name" not in "".join(
        path.read_text() + path.name for path in made.rglob("*") if path.is_file()
    )
    linter = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]
    assert "tradewind_redis" in linter["importlinter"]["root_packages"]
    assert "tradewind_redis" in linter["mypy"]["packages"]
    assert "providers/redis/src" in linter["mypy"]["mypy_path"]
    assert "-e ./providers/redis\n" in (tmp_path / "tox.ini").read_text()
    monkeypatch.syspath_prepend(made / "src")
    assert importlib.util.find_spec("tradewind_redis.plugin") is not None
