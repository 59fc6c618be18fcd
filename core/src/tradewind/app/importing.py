"""From the importer to the store: finds become versions, warnings and errors, and the scheduler hears of it."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.app.system import actor
from tradewind.errors import ImportTimeError, Refused, StoreError
from tradewind.importing.client import ImportServer
from tradewind.importing.processor import DagProcessor, Saved
from tradewind.importing.results import ImportedDag, ImportOptions, ImportResult, Limits
from tradewind.importing.versions import Stored, Verdict, source_hash
from tradewind.scheduler.inbox import ring
from tradewind.serialization.specs import decode_spec

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.model.spec import DagSpec
    from tradewind.store.imports import FileImport
    from tradewind.store.rows import FoundDag

_NEW = Verdict(keep=False)
_COMMON = (
    "tradewind.authoring.operators.branch",
    "tradewind.authoring.operators.empty",
    "tradewind.authoring.operators.latest_only",
    "tradewind.authoring.operators.python",
    "tradewind.authoring.operators.short_circuit",
    "tradewind.authoring.taskflow",
    "tradewind.authoring.group",
    "tradewind.authoring.variable",
    "tradewind.authoring.hook",
    "pendulum",
    "croniter",
)
_PREPARER = "tradewind.app.importing:prepare"


def prepare() -> None:
    """Let plugins get an import server ready."""
    from tradewind.plugins.components import ImportPreparation
    from tradewind.plugins.manager import discover

    discover().prepare_import(ImportPreparation(process="importer"))


def import_options(system: System, folder: Path) -> ImportOptions:
    """How this installation imports the files of a folder."""
    importing = system.settings.importing
    limits = Limits(
        timeout=importing.timeout_seconds, memory_mb=importing.memory_mb, max_file_mb=importing.max_file_mb
    )
    preparers = (_PREPARER,) if system.plugins.implements("tradewind_prepare_import") else ()
    return ImportOptions(
        folder=str(folder),
        limits=limits,
        preparers=preparers,
        common=_COMMON,
        hidden=("TRADEWIND__DATABASE__URL",),
        crons_trigger=not system.settings.scheduler.create_cron_data_intervals,
        deltas_trigger=not system.settings.scheduler.create_delta_data_intervals,
        default_timezone=system.settings.core.default_timezone,
    )


def answers(system: System) -> Callable[[str, dict[str, Any]], Any]:
    """Answers what DAG files ask for while they are imported."""

    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        match operation:
            case "variable.get":
                return system.variables.get(arguments["key"])
            case "connection.get":
                found = system.connections.get(arguments["conn_id"])
                return None if found is None else found.as_dict()
        raise Refused(f"{operation} is not to be had while a DAG file is imported.")

    return answer


class StoreSink:
    """Keeps results in the store and tells the scheduler."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system = system
        self._folder = str(folder)
        self._on_record: set[str] = set()

    def known_files(self) -> set[str]:
        """Files that results are on record for."""
        self._on_record = self._system.imports.known_files(self._folder)
        return set(self._on_record)

    def stored(self, dag_ids: Collection[str]) -> Mapping[str, Stored]:
        """The current versions of DAGs, as far as this folder has them."""
        found = self._system.dags.current_texts(dag_ids, self._folder) if dag_ids else {}
        return {dag_id: Stored(*it) for dag_id, it in found.items()}

    def save(
        self, result: ImportResult, stored: Mapping[str, Stored], verdicts: Mapping[str, Verdict]
    ) -> Saved:
        """Keep a result."""
        if not result.dags and result.failure is None and result.file not in self._on_record:
            return Saved()  # a module, most of the time
        self._on_record.add(result.file)
        system = self._system
        found = system.imports.record(
            file_import(system, result, self._folder, stored, verdicts),
            now=system.clock.now(),
            new_id=system.ids.new_id,
            paused_default=system.settings.core.dags_paused_at_creation,
            announce_as=actor(),
        )
        if found.changed or found.gone:
            ring(system.doorbell)
        return Saved(refused=bool(found.refused), freed=bool(found.gone))

    def forget(self, files: Iterable[str]) -> Saved:
        """These files are gone."""
        system = self._system
        stale = system.imports.forget(
            self._folder, files, now=system.clock.now(), new_id=system.ids.new_id, announce_as=actor()
        )
        if stale:
            ring(system.doorbell)
        return Saved(freed=bool(stale))


def file_import(
    system: System,
    result: ImportResult,
    folder: str,
    stored: Mapping[str, Stored],
    verdicts: Mapping[str, Verdict],
    *,
    visiting: bool = False,
) -> FileImport:
    """A result as the store takes it, after plugins had their say."""
    from tradewind.store.imports import FileImport
    from tradewind.store.rows import ImportProblem

    problems = []
    if result.failure is not None:
        failure = result.failure
        problems.append(
            ImportProblem(
                file=result.file, message=failure.message, line=failure.line, traceback=failure.traceback
            )
        )
    dags = []
    for it in result.dags:
        verdict = verdicts.get(it.dag_id, _NEW)
        text = stored[it.dag_id].spec_text if verdict.keep else it.spec
        spec = decode_spec(text)
        refusals, told = _findings(system, spec)
        if refusals:
            problems += [
                ImportProblem(file=result.file, message=message, line=spec.line or None)
                for message in refusals
            ]
            continue
        told += [("volatile", text) for text in verdict.warnings]
        told += [("import", text) for text in result.warnings]
        dags.append(_found(result, it, text, spec.is_paused_upon_creation, tuple(told)))
    return FileImport(
        folder=folder,
        file=result.file,
        dags=tuple(dags),
        problems=tuple(problems),
        seconds=result.seconds,
        visiting=visiting,
    )


def _findings(system: System, spec: DagSpec) -> tuple[list[str], list[tuple[str, str]]]:
    """What the rules of plugins say about a DAG: refusals, and (kind, message) of warnings."""
    refusals, warnings = [], []
    if spec.timetable is not None and spec.timetable.type not in system.plugins.names("timetable"):
        refusals.append(
            f"DAG {spec.dag_id!r}: no plugin registers the timetable {spec.timetable.type!r}. A timetable of your own is a "
            f"class in an installed package which registers it by tradewind_register_timetables, not in a DAG file."
        )
    for one in system.plugins.check_dag(spec):
        place = f"DAG {spec.dag_id!r}" + (f", task {one.item.task_id!r}" if one.item.task_id else "")
        if one.item.severity == "error":
            refusals.append(f"{place} breaks a rule of plugin {one.plugin}: {one.item.message}")
        else:
            warnings.append(("plugin", f"{place}: {one.item.message} (a rule of plugin {one.plugin})"))
    return refusals, warnings


def _found(
    result: ImportResult,
    it: ImportedDag,
    text: str,
    paused: bool | None,
    warnings: tuple[tuple[str, str], ...],
) -> FoundDag:
    from tradewind.store.rows import FoundDag

    files = {file.path: file for file in result.files}
    return FoundDag(
        dag_id=it.dag_id,
        spec_text=text,
        spec_hash=hashlib.sha256(text.encode()).hexdigest(),
        source_hash=source_hash(files[path] for path in it.files),
        files=tuple((path, files[path].content) for path in it.files),
        warnings=warnings,
        paused_at_creation=paused,
    )


def import_visitor(system: System, file: Path) -> dict[str, str]:
    """Import one file, wherever it is, and keep the versions of its DAGs; (DAG id → version id).

    A DAG that the DAG folder has stays as it is there.

    :raises ImportTimeError: where the file cannot be imported.
    """
    path = file.resolve()
    served = system.settings.core.dags_folder.resolve()
    folder = served if path.is_relative_to(served) else path.parent
    server = ImportServer(import_options(system, folder), answers(system))
    try:
        result = server.import_file(path.relative_to(folder).as_posix())
    finally:
        server.close()
    if result.failure is not None and result.failure.limit == "server":
        raise ImportTimeError(f"{file}: {result.failure.message}")
    found = system.imports.record(
        file_import(system, result, str(folder), {}, {}, visiting=folder != served),
        now=system.clock.now(),
        new_id=system.ids.new_id,
        paused_default=system.settings.core.dags_paused_at_creation,
        announce_as=actor() if system.scheduler is not None else None,
    )
    if found.changed:
        ring(system.doorbell)
    if result.failure is not None:
        where = f"{file}:{result.failure.line}" if result.failure.line else str(file)
        shown = f"\n{result.failure.traceback.rstrip()}" if result.failure.traceback else ""
        raise ImportTimeError(f"{where}: {result.failure.message}{shown}")
    return found.versions


def import_folder(system: System) -> None:
    """Import all files of the DAG folder once."""
    processor = _processor(system)
    try:
        processor.import_all()
    finally:
        processor.close()


def serve(system: System) -> int:
    """Keep the store in step with the DAG folder until SIGTERM."""
    from tradewind.app.presence import importer_beat

    own, beat = importer_beat(system)
    processor = _processor(system, beat)
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)

    def stop(_signum: int, _frame: object) -> None:
        processor.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        processor.run(ours.fileno())
    finally:
        signal.set_wakeup_fd(-1)
        processor.close()
        with suppress(StoreError):
            system.health.end_worker(own, system.clock.now())
        system.close()
    return 0


def _processor(system: System, beat: Callable[[], None] = lambda: None) -> DagProcessor:
    folder = system.settings.core.dags_folder
    os.makedirs(folder, exist_ok=True)
    return DagProcessor(
        import_options(system, folder.resolve()),
        StoreSink(system, folder.resolve()),
        answers(system),
        refresh=system.settings.importing.refresh_seconds,
        beat=beat,
    )
