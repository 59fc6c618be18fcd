"""All settings of the core, by section: type, default, limits and one line of description each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from tradewind.config.home import Home

Kind = Literal["text", "integer", "number", "boolean", "path"]
Value = str | int | float | bool | Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one setting.

    :param default: the default, or how it follows from the home folder.
    :param shown: how the default is described where it is computed.
    :param choices: the only values that are allowed; empty: any.
    :param least: the smallest value that is allowed.
    :param secret: its value is never shown.
    """

    section: str
    key: str
    kind: Kind
    default: Value | Callable[[Home], Value]
    doc: str
    shown: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    secret: bool = False

    @property
    def name(self) -> str:
        """``section.key``."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"TRADEWIND__{self.section.upper()}__{self.key.upper()}"

    def default_in(self, home: Home) -> Value:
        """The default, computed where it has to be."""
        return self.default(home) if callable(self.default) else self.default


def _setting(kind: Kind, default: Value | Callable[[Home], Value], doc: str, **more: Any) -> Any:
    return field(
        metadata={"kind": kind, "default": default, "doc": doc, **more}, repr=not more.get("secret", False)
    )


def _cpus(_home: Home) -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, usable)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """What concerns the system as a whole."""

    dags_folder: Path = _setting(  # noqa: RUF009 - it is dataclasses.field
        "path", lambda home: home.dags, "Folder of the DAG files.", shown="<home>/dags"
    )
    parallelism: int = _setting(
        "integer",
        _cpus,
        "Tasks that may run at once on this machine.",
        shown="number of CPUs, at least 2",
        least=1,
    )
    max_map_length: int = _setting(
        "integer",
        100_000,
        "Instances that a mapped task may have; more fail the task whose list is too long.",
        least=1,
    )
    dags_paused_at_creation: bool = _setting(
        "boolean", True, "Whether a DAG that is seen for the first time is switched off."
    )
    default_timezone: str = _setting(
        "text",
        "UTC",
        "Time zone of dates that name none, in DAG files and on the command line: an IANA name such as Europe/Paris.",
    )
    executor: str = _setting("text", "local", "Executor of tasks whose DAG names none.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The metadata database."""

    url: str = _setting(
        "text",
        "",
        "Address of the metadata database, beginning with sqlite:///, postgresql:// or mysql://.",
        shown="SQLite in <home>/tradewind.db",
        secret=True,
    )
    synchronous: Literal["NORMAL", "FULL"] = _setting(
        "text",
        "NORMAL",
        "SQLite: NORMAL keeps every commit when processes die, a power cut may take the newest; FULL keeps "
        "these too.",
        choices=("NORMAL", "FULL"),
    )
    connect_timeout: float = _setting(
        "number", 10.0, "Seconds to wait for a connection, or for a lock of SQLite.", least=0.1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportingSettings:
    """Importing DAG files."""

    refresh_seconds: float = _setting(
        "number", 300.0, "Seconds after which a file is imported again although it did not change.", least=1
    )
    timeout_seconds: float = _setting("number", 30.0, "Seconds that importing one file may take.", least=0.1)
    memory_mb: int = _setting("integer", 2048, "Memory that importing one file may take.", least=64)
    max_file_mb: float = _setting("number", 10.0, "A larger DAG file is refused.", least=0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """When runs are made."""

    create_cron_data_intervals: bool = _setting(
        "boolean",
        True,
        "Whether a cron or preset as schedule= means data intervals; else a run at each of its times.",
    )
    create_delta_data_intervals: bool = _setting(
        "boolean", True, "Whether a timedelta as schedule= means data intervals; else a run every so often."
    )
    catchup_confirm_above: int = _setting(
        "integer", 1000, "A catch-up of more runs than this waits until somebody confirms it.", least=0
    )
    timetable_timeout_seconds: float = _setting(
        "number", 5.0, "Seconds that a plugin's timetable has for an answer.", least=0.1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksSettings:
    """Running tasks."""

    kill_grace_seconds: float = _setting(
        "number", 10.0, "Seconds between asking a task to end and ending its processes.", least=0
    )
    isolation: Literal["auto", "fork", "spare"] = _setting(
        "text",
        "auto",
        "fork: tasks are forked from a process that imported the DAG file; spare: each has an interpreter of "
        "its own that waited for it; auto: fork where that is safe.",
        choices=("auto", "fork", "spare"),
    )
    max_log_mb: float = _setting("number", 100.0, "A longer log of one attempt is cut.", least=0.01)
    callback_timeout_seconds: float = _setting(
        "number", 300.0, "Seconds that the callbacks of one event may take, notifiers included.", least=0.1
    )
    callbacks_at_once: int = _setting(
        "integer", 4, "Callbacks that may run at once, beside the tasks; the others wait.", least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesSettings:
    """The waiting processes from which tasks are forked."""

    memory_mb: int = _setting(
        "integer", 1024, "Unused ones are dropped to keep all of them below this.", least=1
    )
    idle_seconds: float = _setting("number", 600.0, "Seconds after which an unused one is dropped.", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggererSettings:
    """The process that runs the triggers of deferred tasks."""

    block_seconds: float = _setting(
        "number",
        10.0,
        "Seconds that a trigger may keep all others from running before it is ended and its task failed.",
        least=0.1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class XcomSettings:
    """Values that tasks leave for others."""

    inline_limit_kib: int = _setting(
        "integer",
        64,
        "A value up to this size is kept in the database, a larger one in the backend.",
        least=0,
    )
    limit_mb: float = _setting("number", 100.0, "A larger value makes the task fail.", least=0.001)
    backend: str = _setting("text", "file", "The XCom backend for large values.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsSettings:
    """Logs of tasks."""

    folder: Path = _setting(  # noqa: RUF009 - it is dataclasses.field
        "path", lambda home: home.logs, "Folder of the logs of tasks.", shown="<home>/logs"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """What `tradewind up` forgets by itself, once a day; open runs are always kept."""

    days: float = _setting(
        "number", 365.0, "Runs that ended longer ago are forgotten, logs included; 0: none is.", least=0
    )
    runs_per_dag: int = _setting(
        "integer", 10000, "Of each DAG so many of the newest runs are kept at most; 0: any number.", least=0
    )


#: by name, in the order in which they are shown
SECTIONS: dict[str, type[Any]] = {
    "core": CoreSettings,
    "database": DatabaseSettings,
    "importing": ImportingSettings,
    "scheduler": SchedulerSettings,
    "tasks": TasksSettings,
    "templates": TemplatesSettings,
    "triggerer": TriggererSettings,
    "xcom": XcomSettings,
    "logs": LogsSettings,
    "retention": RetentionSettings,
}


def known_settings() -> list[Known]:
    """All settings of the core."""
    return [
        Known(section=section, key=one.name, **_metadata(one))
        for section, settings in SECTIONS.items()
        for one in fields(settings)
    ]


def _metadata(one: Field[Any]) -> dict[str, Any]:
    assert one.default is MISSING
    return dict(one.metadata)
