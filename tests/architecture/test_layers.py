"""Who imports whom, as pyproject.toml says it."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_layers_import_downward_only_and_providers_use_the_public_surface(root):
    command = Path(sys.executable).with_name("lint-imports")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(
        [command, "--no-cache"], cwd=root, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_provider_is_under_the_contracts_the_types_and_the_gates(root, project, providers):
    modules = {path.name for provider in providers for path in (provider / "src").iterdir()}
    linter = project["tool"]["importlinter"]
    (strangers,) = [contract for contract in linter["contracts"] if contract["type"] == "independence"]

    assert set(linter["root_packages"]) == {"tradewind", *modules}
    assert set(strangers["modules"]) == modules
    assert set(project["tool"]["mypy"]["packages"]) == {"tradewind", *modules}

    gates = (root / "tox.ini").read_text()
    assert [provider.name for provider in providers if f"/{provider.name}\n" not in gates] == []
