"""What a process's end says about its attempt, in words for people."""

from __future__ import annotations

import os
import signal

_MEANINGS = {
    signal.SIGSEGV: "a crash in native code",
    signal.SIGBUS: "a crash in native code, or a file that shrank while it was mapped",
    signal.SIGILL: "native code made for another processor",
    signal.SIGFPE: "a crash in native code",
    signal.SIGABRT: "native code gave up",
    signal.SIGXCPU: "its limit of processor time",
    signal.SIGXFSZ: "its limit of file size",
}


def describe(status: int, out_of_memory: bool = False) -> str:
    """One line for a ``waitpid`` status of a process that ended before its task did.

    :param out_of_memory: whether the kernel has ended processes for lack of memory in the meantime.
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        meaning = _MEANINGS.get(number)  # type: ignore[call-overload]
        if number == signal.SIGKILL and out_of_memory:
            meaning = "likely out of memory"
        return f"killed by signal {number} ({name}){f'; {meaning}' if meaning else ''}"
    code = os.WEXITSTATUS(status)
    hint = " (os._exit?)" if code == 0 else ""
    return f"the process ended with exit code {code} before its task did{hint}"


def kills_for_memory() -> int:
    """How many processes the kernel has ended for lack of memory since it started; 0 where it does not say."""
    try:
        with open("/proc/vmstat", encoding="ascii") as counters:
            for line in counters:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
