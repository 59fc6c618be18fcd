"""Starts agents: forked from a process that has imported what they need, or as a program of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress

import msgspec

from tradewind.agent.options import AgentOptions
from tradewind.agent.wire import BACKLOG, listen


def fork_agent(options: AgentOptions) -> int:
    """Fork an agent off this process, which must have no threads; its pid.

    It listens when this returns. It has a session of its own, so that Ctrl-C at a terminal is not its business, and outlives
    this process.

    :raises tradewind.errors.ConfigError: where the socket cannot be used.
    """
    from tradewind.agent.agent import main

    listener = listen(options.socket_path)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid != 0:
        listener.close()
        return pid
    code = 1
    try:
        os.setsid()
        _close_inherited(listener.fileno())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        listener.listen(BACKLOG)  # again: whoever connects is told the process that did this last
        main(options, listener)
        code = 0
    except BaseException:
        # The frames above belong to the process that this one was forked from, and must not go on here.
        traceback.print_exc()
    finally:
        os._exit(code)


def spawn_agent(options: AgentOptions) -> subprocess.Popen[bytes]:
    """Start an agent as a program. It listens a moment later, on ``options.socket_path``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tradewind.agent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # killed before it read; whoever watches over it starts another
        process.stdin.write(msgspec.json.encode(options))
        process.stdin.close()
    return process


def _close_inherited(listener: int) -> None:
    """Locks, databases, sockets: nothing of the process that forked us may stay open through us."""
    os.closerange(3, listener)
    os.closerange(listener + 1, os.sysconf("SC_OPEN_MAX"))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
