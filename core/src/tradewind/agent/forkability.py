"""Whether a process may be forked after it imported a DAG file, and if not, why not.

A fork copies one thread. A lock held by another one stays locked for ever; a socket or a queue of events is then shared by
processes that do not know of each other; CUDA and gRPC do not survive at all. (``docs`` of glibc, ``fork(2)``, OpenMP.)
"""

from __future__ import annotations

import os
import sys
import threading

#: Names of native threads that their libraries restart or do not need after a fork.
_SAFE_THREADS = {"jemalloc_bg_thd"}
_SHARED_KINDS = {
    "socket:": "a socket",
    "pipe:": "a pipe",
    "anon_inode:[eventpoll]": "an event queue (epoll)",
    "anon_inode:[eventfd]": "an event descriptor",
    "anon_inode:[io_uring]": "an io_uring",
}


def open_descriptors() -> dict[int, str]:
    """What this process has open, by descriptor."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def why_not_forkable(before: dict[int, str]) -> str | None:
    """What stands in the way of forking this process now.

    :param before: :func:`open_descriptors` before the import.
    """
    return _python_threads() or _native_threads() or _descriptors(before) or _libraries()


def _python_threads() -> str | None:
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return f"the import started threads ({', '.join(others[:3])})" if others else None


def _native_threads() -> str | None:
    names = []
    own = threading.get_native_id()
    for thread in os.listdir("/proc/self/task"):
        if int(thread) != own:
            try:
                with open(f"/proc/self/task/{thread}/comm", encoding="utf-8", errors="replace") as comm:
                    names.append(comm.read().strip())
            except OSError:
                continue  # it has ended
    unknown = [name for name in names if name not in _SAFE_THREADS]
    if len(unknown) <= _threads_of_openblas():
        return None
    return f"a library that was imported runs {len(unknown)} threads of its own ({', '.join(sorted(set(unknown)))})"


def _threads_of_openblas() -> int:
    """OpenBLAS has threads from the moment it is loaded, and stops and restarts them around a fork by itself."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            copies = {entry.split()[-1] for entry in maps if "openblas" in entry}
    except OSError:
        return 0
    return len(copies) * (os.cpu_count() or 1)


def _descriptors(before: dict[int, str]) -> str | None:
    for descriptor, target in open_descriptors().items():
        if before.get(descriptor) != target:
            for kind, name in _SHARED_KINDS.items():
                if target.startswith(kind):
                    return f"the import opened {name} and left it open (descriptor {descriptor})"
    return None


def _libraries() -> str | None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "the import initialised CUDA"
    grpc = sys.modules.get("grpc")
    if grpc is not None:
        import gc

        if any(isinstance(candidate, grpc.Channel) for candidate in gc.get_objects()):
            return "the import opened a gRPC channel"
    return None
