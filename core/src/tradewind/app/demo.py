"""``tradewind demo``: the examples in a new home, switched on, and everything started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import tradewind
from tradewind.errors import ConfigError


def demo(home: Path) -> int:
    """Make a home with the examples, then serve until Ctrl-C; the exit code.

    :param home: a folder that is not there yet, or that an earlier demo made.
    :raises ConfigError: where the folder holds something else.
    """
    from tradewind.app.system import System
    from tradewind.app.up import up

    mark = home / ".tradewind-demo"
    if home.exists() and any(home.iterdir()) and not mark.exists():
        raise ConfigError(f"{home} is not empty. Name a new folder: `tradewind demo --home FOLDER`.")
    dags = home / "dags"
    dags.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for example in sorted((Path(tradewind.__file__).parent / "examples").glob("*.py")):
        shutil.copyfile(example, dags / example.name)
    os.environ["TRADEWIND_HOME"] = str(home)
    os.environ.setdefault("TRADEWIND__CORE__DAGS_PAUSED_AT_CREATION", "false")
    os.environ.setdefault("TRADEWIND_VAR_EXAMPLE_FOLDER", str(home / "output"))
    print(
        f"The examples are in {dags}; what they make goes to {home / 'output'}.\n"
        f"In another terminal:\n"
        f"    export TRADEWIND_HOME={home}\n"
        f"    tradewind dags list\n"
        f"    tradewind runs list\n",
        file=sys.stderr,
    )
    return up(System(home))
