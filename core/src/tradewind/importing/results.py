"""What an import is asked to do and what comes back: plain data, the same on both sides of the process border."""

from __future__ import annotations

from dataclasses import dataclass, field

COLLECTOR = "tradewind.authoring.collector:collect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the import of one file may use."""

    timeout: float = 30.0  #: seconds of wall-clock time
    memory_mb: int = 2048  #: above what the bare importing process uses
    open_files: int = 1024
    max_file_mb: float = 10.0  #: of a DAG file, and of each file that it reads below the DAG folder
    max_result_mb: int = 64  #: of everything that an import hands back
    output_kib: int = 64  #: kept of the start and of the end of what it prints


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How the files of a folder are imported.

    :param folder: the DAG folder, absolute.
    :param collector: ``"module:attr"`` of the function that finds the DAGs in an imported module.
    :param preparers: ``"module:attr"`` of functions without arguments to call before any DAG file is imported.
    :param common: modules that many DAG files need: once one of them did, they are imported beforehand.
    :param crons_trigger: whether a cron as ``schedule=`` means trigger times; likewise ``deltas_trigger`` a timedelta.
    :param default_timezone: of dates in DAG files that name none.
    :param hidden: names of environment variables that user code must not see.
    """

    folder: str
    limits: Limits = Limits()
    collector: str = COLLECTOR
    preparers: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    crons_trigger: bool = False
    deltas_trigger: bool = False
    default_timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFailure:
    """Why a file could not be imported.

    :param file: relative to the DAG folder.
    :param line: in that file, where known.
    :param traceback: as Python prints it, without our own frames; may be empty.
    :param limit: the limit that was hit: ``"timeout"``, ``"memory"`` ... or empty.
    """

    message: str
    file: str
    line: int | None = None
    traceback: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDag:
    """A DAG that an import found.

    :param spec: canonical JSON, see :mod:`tradewind.serialization.specs`.
    :param files: paths of the files that it was made from, its own first.
    """

    dag_id: str
    spec: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A file below the DAG folder, as it was when it was loaded. ``path`` is relative, with forward slashes."""

    path: str
    sha256: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of importing one file: DAGs (maybe none), or a failure.

    :param looked_at: path → fingerprint of everything below the folder on which the result rests, missing files and
        listed directories too; when one changes, the file is worth another import.
    :param warnings: for the author, in words.
    :param output: what it printed, shortened in the middle.
    :param asked: whether it asked for a Variable or a connection that the environment does not give.
    :param seconds: how long the import took.
    """

    file: str
    dags: tuple[ImportedDag, ...] = ()
    files: tuple[LoadedFile, ...] = ()
    failure: ImportFailure | None = None
    looked_at: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    output: str = ""
    asked: bool = False
    seconds: float = 0.0
