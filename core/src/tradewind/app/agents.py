"""How this installation's agents are set up."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewind.agent.options import AgentOptions
    from tradewind.app.system import System
    from tradewind.builtin.inline_executor import InlineExecutor
    from tradewind.builtin.local_executor import LocalExecutor

MIB = 1024 * 1024


def runner_options(system: System) -> dict[str, Any]:
    """What the runner inside an attempt's process is told."""
    settings = system.settings
    xcom = settings.xcom
    return {
        "default_timezone": settings.core.default_timezone,
        "max_map_length": settings.core.max_map_length,
        "xcom": {
            "inline_limit": xcom.inline_limit_kib * 1024,
            "limit": int(xcom.limit_mb * MIB),
            "backend": xcom.backend,
            "backends": {
                "file": {
                    "target": "tradewind.builtin.file_xcom:FileXComBackend",
                    "options": {"folder": str(settings.home.xcom)},
                }
            },
        },
    }


def agent_options(system: System, *, socket: Path, session: str, linger: float | None) -> AgentOptions:
    """What an agent of this installation is told."""
    from tradewind.agent.options import AgentOptions

    settings = system.settings
    return AgentOptions(
        socket_path=str(socket),
        session=session,
        capacity=settings.core.parallelism,
        log_folder=str(settings.logs.folder),
        cache_folder=str(settings.home.versions),
        runner_options=runner_options(system),
        isolation=settings.tasks.isolation,
        kill_grace=settings.tasks.kill_grace_seconds,
        max_log_bytes=int(settings.tasks.max_log_mb * MIB),
        template_memory=settings.templates.memory_mb * MIB,
        template_idle=settings.templates.idle_seconds,
        linger=linger,
    )


@contextmanager
def own_agent(system: System) -> Iterator[LocalExecutor]:
    """An agent for this process alone, forked now and ended at the end; the executor that reaches it."""
    from tradewind.agent.process import fork_agent
    from tradewind.builtin.local_executor import LocalExecutor

    session = system.ids.new_id()
    socket = system.settings.home.run / f"{session[-12:]}.sock"
    pid = fork_agent(agent_options(system, socket=socket, session=session, linger=5.0))
    try:
        yield LocalExecutor(str(socket))
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def inline_executor(system: System) -> InlineExecutor:
    """An executor that runs attempts in this process."""
    from tradewind.builtin.inline_executor import InlineExecutor

    return InlineExecutor(
        clock=system.clock,
        log_folder=system.settings.logs.folder,
        cache_folder=system.settings.home.versions,
        runner_options=runner_options(system),
    )
