"""A scheduler that ends itself at a named point: ``python dying_scheduler.py HOME POINT COUNT``. COUNT 0: it lives."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tradewind.app.system import System
from tradewind.app.up import agent_process, scheduler_main


def main(home: str, point: str, count: int) -> int:
    """Serve, until the point was passed ``count`` times."""
    left = count

    def passing(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    system = System(Path(home))
    socket_path = system.settings.home.run / "agent.sock"
    agent_process(system, socket_path)
    return scheduler_main(system, socket_path, passing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
