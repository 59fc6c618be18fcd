"""What a triggerer is told at its start."""

from __future__ import annotations

import msgspec


class TriggererOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one triggerer; travels as JSON to one that is started as a program.

    :param socket_path: Unix socket on which a scheduler finds it.
    :param session: uuid7 of this process.
    :param log_folder: what triggers log goes into the logs of their tasks below it.
    :param cache_folder: unpacked DAG versions.
    :param block_limit: seconds that a trigger may keep the event loop from all others.
    :param import_limit: seconds that importing a trigger's module may take.
    :param idle: seconds without anything to wait for after which the process ends; ``None``: never.
    :param linger: likewise, without any scheduler.
    :param drop_environment: environment variables with these prefixes are taken away before any user code is imported.
    :param masks: ``"module:attr"`` of what hides secrets in logs.
    :param dag_importer: ``"module:attr"`` of the function that imports a DAG file.
    """

    socket_path: str
    session: str
    log_folder: str
    cache_folder: str
    block_limit: float = 10.0
    import_limit: float = 60.0
    idle: float | None = 60.0
    linger: float | None = 60.0
    drop_environment: tuple[str, ...] = ("TRADEWIND__DATABASE__",)
    masks: str = "tradewind.runner.secrets:Secrets"
    dag_importer: str = "tradewind.runner.loading:import_file"
