"""What an agent is told at its start: where it listens, what it may use, and for how long it stays."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Isolation = Literal["auto", "fork", "spare"]


class AgentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one agent; travels as JSON to an agent that is started as a program.

    :param socket_path: Unix socket on which a scheduler finds the agent; its folder is made for its owner alone.
    :param session: uuid7 of this agent process; what its attempts are claimed by.
    :param capacity: attempts that should be under way at once; decides how many processes wait ahead of need.
    :param log_folder: logs of attempts go below it, at the path that the order names.
    :param cache_folder: unpacked DAG versions.
    :param runner: ``"module:attr"`` of a function that takes ``runner_options`` and returns a
        :class:`tradewind.ports.runner.Runner`.
    :param isolation: ``"fork"``: attempts are forked from a template; ``"spare"``: each has a fresh interpreter that
        waited for it; ``"auto"``: fork where that is safe.
    :param kill_grace: seconds between asking a process to end (SIGTERM) and ending it (SIGKILL).
    :param timeout_margin: seconds that an attempt may go on after its ``execution_timeout``, to report it by itself.
    :param max_log_bytes: a longer log is cut back while its attempt runs.
    :param import_timeout: seconds that the import of a DAG file may take.
    :param ask_timeout: seconds that a question of a DAG file which is being imported (a variable, a connection) may take.
    :param template_memory: bytes; templates that are not in use are dropped, longest unused first, to stay below it.
    :param template_idle: seconds after which an unused template is dropped.
    :param linger: seconds without any scheduler after which an agent that has nothing to run ends itself;
        ``None``: it waits for ever.
    :param drop_environment: environment variables with these prefixes are taken away before any user code is imported;
        the metadata database's address is never in an attempt's process.
    :param log_file: the agent's own log; ``None``: standard error.
    """

    socket_path: str
    session: str
    capacity: int
    log_folder: str
    cache_folder: str
    runner: str = "tradewind.runner.runner:make"
    runner_options: dict[str, Any] = {}
    isolation: Isolation = "auto"
    kill_grace: float = 5.0
    timeout_margin: float = 1.0
    max_log_bytes: int = 100 * 1024 * 1024
    import_timeout: float = 60.0
    ask_timeout: float = 30.0
    template_memory: int = 1024 * 1024 * 1024
    template_idle: float = 600.0
    linger: float | None = 60.0
    drop_environment: tuple[str, ...] = ("TRADEWIND__DATABASE__",)
    log_file: str | None = None
