"""What is not loaded before it is used. Heavy libraries cost every command and every task their import time."""

import subprocess
import sys

import pytest

HEAVY = [
    "sqlalchemy",
    "alembic",
    "jinja2",
    "pendulum",
    "croniter",
    "rich",
    "cryptography",
    "importlib_metadata",
]


def loaded_by(statement: str) -> set[str]:
    """Names of the top-level modules that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import tradewind",
        "from tradewind import DAG, PythonOperator, TaskGroup, task",
        "import tradewind.plugins.manager",
        "import tradewind_standard.plugin",
    ],
)
def test_nothing_heavy_is_loaded_by(statement):
    assert loaded_by(statement) & set(HEAVY) == set()


def test_the_command_line_shows_its_help_without_anything_heavy():
    statement = (
        "import contextlib, io\nfrom tradewind.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n    main(['--help'])"
    )
    assert loaded_by(statement) & set(HEAVY) - {"importlib_metadata"} == set()
